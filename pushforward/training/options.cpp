#include "pushforward/training/options.hpp"

namespace pushforward {

const std::vector<std::pair<std::string, Precision>> kPrecisions = {
    {"auto", Precision::automatic},
    {"float32", Precision::float32},
    {"bfloat16", Precision::bfloat16},
    {"float64", Precision::float64}};

const char* name_of(Precision precision) {
    for (const auto& [name, p] : kPrecisions)
        if (p == precision) return name.c_str();
    return "";
}

void TrainOptions::visit(Fields& f) {
    f.integer("steps", steps, {.doc = "updates of the weights", .unit = "steps", .low = 1});
    f.integer("batch", batch, {.doc = "rows that go into an update", .unit = "rows", .low = 1});
    f.integer("accumulate", accumulate,
              {.doc = "pieces that a batch is computed in, to save memory", .low = 1});
    f.choice_of("optimiser", optimiser,
                {{"adamw", OptimiserKind::adamw}, {"adam", OptimiserKind::adam}},
                {.doc = "AdamW shrinks weights apart from the gradient, Adam through it"});
    f.number("learning_rate", learning_rate,
             {.doc = "the optimiser's step size after warm-up", .low = 0, .open_low = true});
    f.number("beta1", beta1, {.doc = "decay of the gradient's mean", .low = 0, .high = 0.999999});
    f.number("beta2", beta2,
             {.doc = "decay of the squared gradient's mean", .low = 0, .high = 0.999999});
    f.number("epsilon", epsilon,
             {.doc = "added to the root of the squared gradient", .low = 0, .open_low = true});
    f.number("weight_decay", weight_decay, {.doc = "pull of the weights towards zero", .low = 0});
    f.choice_of("schedule", schedule,
                {{"constant", ScheduleKind::constant}, {"cosine", ScheduleKind::cosine}},
                {.doc = "the learning rate after warm-up; cosine falls to zero at the last step"});
    f.integer("warmup", warmup,
              {.doc = "steps over which the learning rate rises", .unit = "steps", .low = 0});
    f.number("clip", clip, {.doc = "largest norm of a player's gradient; 0 = none", .low = 0});
    f.number("ema_half_life", ema_half_life,
             {.doc = "half-life of the weights' average; 0 = none", .unit = "steps", .low = 0});
    f.choice_of("precision", precision, kPrecisions,
                {.doc = "what networks compute in; weights and losses stay float32"});
    f.integer("checkpoint_every", checkpoint_every,
              {.doc = "0 = only at the end", .unit = "steps", .low = 0});
    f.integer("keep", keep, {.doc = "newest checkpoints kept, beside the best", .low = 1});
    f.integer("validate_every", validate_every,
              {.doc = "loss on the validation rows; 0 = never", .unit = "steps", .low = 0});
    f.integer("sample_every", sample_every,
              {.doc = "pictures of samples; 0 = never", .unit = "steps", .low = 0});
    f.integer("log_every", log_every, {.doc = "lines of metrics.jsonl", .unit = "steps", .low = 1});
    f.integer("patience", patience,
              {.doc = "stops after so many validations without a better one; 0 = never",
               .unit = "validations",
               .low = 0});
    f.integer("seed", seed,
              {.doc = "decides weights, noise and order; -1 = chosen and printed", .low = -1});
    f.integer("threads", threads,
              {.doc = "CPU threads; 0 = the cores this process may use", .low = 0});
}

}  // namespace pushforward
