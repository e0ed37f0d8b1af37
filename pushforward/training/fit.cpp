#include "pushforward/training/fit.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/base/file.hpp"
#include "pushforward/base/version.hpp"
#include "pushforward/core/weights.hpp"
#include "pushforward/data/condition_text.hpp"
#include "pushforward/data/description_json.hpp"
#include "pushforward/data/grid.hpp"
#include "pushforward/data/loader.hpp"
#include "pushforward/objectives/catalogue.hpp"
#include "pushforward/training/run.hpp"
#include "pushforward/training/run_log.hpp"
#include "pushforward/training/run_report.hpp"
#include "pushforward/training/summary.hpp"

#include <ATen/Parallel.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <random>

namespace pushforward {
namespace {

/// Rows that validation looks at: enough for an error of about one per cent, not the whole set.
constexpr std::int64_t kValidationRows = 1024;
/// Pictures drawn while training.
constexpr std::int64_t kDrawn = 64, kDrawnPoints = 4096;

/// What the recipe leaves open, decided: the same recipe gives the same run from here on.
void decide(Recipe& recipe) {
    if (recipe.train.seed < 0) recipe.train.seed = std::random_device{}() & 0x7FFFFFFF;
    if (recipe.train.threads == 0) recipe.train.threads = at::get_num_threads();
    at::set_num_threads(static_cast<int>(recipe.train.threads));
}

/// A resumed run keeps what it decided at its start; other changes but train.steps are refused.
void continue_from(Recipe& recipe, const std::filesystem::path& file) {
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(file, ignored)) return;
    const Recipe before = parse_recipe(std::string(read_file(file, 1 << 20).text()), file.string());
    auto& now = recipe.train;
    if (now.seed < 0) now.seed = before.train.seed;
    if (now.threads == 0) now.threads = before.train.threads;
    if (now.precision == Precision::automatic) now.precision = before.train.precision;
    const std::string difference = recipe_difference(before, recipe);
    if (!difference.empty())
        throw UsageError("--resume: only train.steps may change; this recipe differs from " +
                         file.string() + ":\n" + difference);
}

/// Everything a training is made of, before a folder is touched.
struct Parts {
    PreparedData data;
    std::unique_ptr<Dataset> scaled;
    std::unique_ptr<Model> model;
    std::unique_ptr<Objective> objective;
    std::unique_ptr<OpenedRun> teacher;
    std::vector<Player> players;
    std::unique_ptr<Loader> loader;
    at::Device device = at::kCPU;
    Rng seed{0};
};

/// The run that an objective learns from; UsageError when its items are not the student's.
OpenedRun open_teacher(const std::string& folder, const Parts& student) {
    OpenedRun run = open_run(folder, {}, student.device);
    PF_CHECK(run.model->spec().x == student.model->spec().x &&
                 run.description.scaling.x() == student.data.description.scaling.x(),
             "objective.teacher: " + folder, "a run on the same data, scaled alike", "another");
    return run;
}

/// How many rows a model's beginning is taken from.
constexpr std::int64_t kBegunFrom = 10000;

Parts assemble(Recipe& recipe, const std::string& device) {
    Parts p;
    p.device = resolve_device(device);
    p.seed = Rng(static_cast<std::uint64_t>(recipe.train.seed));
    p.data = prepare_data(recipe.data.source, preparation(recipe.data));
    PF_CHECK(!p.data.split.train.empty(), recipe.data.source, "rows to train on", "none");
    p.model = make_model(recipe, model_spec(recipe, p.data.description.spec),
                         static_cast<std::uint64_t>(recipe.train.seed));
    const auto dtype = resolve_precision(recipe.train.precision, *p.model, p.device);
    recipe.train.precision = dtype == at::kBFloat16 ? Precision::bfloat16
                             : dtype == at::kDouble ? Precision::float64
                                                    : Precision::float32;
    p.model->compute_in(dtype);
    p.objective = objective_entry(recipe.objective.name).make(*recipe.objective.options);
    if (const std::string teacher = p.objective->teacher(); !teacher.empty())
        p.teacher = std::make_unique<OpenedRun>(open_teacher(teacher, p));
    p.scaled = std::make_unique<ScaledData>(p.data.data, p.data.description.scaling);
    const Sources sources{.data = p.scaled.get(),
                          .rows = p.data.split.train,
                          .teacher = p.teacher ? p.teacher->model.get() : nullptr};
    if (const auto refusal = p.objective->refusal(*p.model, sources); !refusal.empty())
        throw UsageError("objective " + recipe.objective.name + ": " + refusal);
    p.model->module().to(p.device);
    p.model->initialise(
        [&p] { return spread(*p.scaled, p.data.split.train, kBegunFrom).to(p.device); },
        p.seed.split(5));
    p.players = p.objective->players(*p.model, sources);
    p.loader = std::make_unique<Loader>(p.data.data, p.data.split.train, p.data.description.scaling,
                                        recipe.train.batch, p.seed.split(2).key());
    return p;
}

Batch training_batch(Loader& loader, std::int64_t k, at::Device device) {
    if (loader.cursor() != k) loader.seek(k);
    return loader.next().to(device);
}

std::string draw_picture(const Parts& p, const Recipe& recipe) {
    std::vector<std::string> conditions;
    for (const Field& f : p.model->spec().conditions)
        if (f.space.kind == Kind::symbol) conditions.push_back(f.name + "=each");
    const std::int64_t n = p.model->spec().x.is_image() ? kDrawn : kDrawnPoints;
    const Samples drawn = draw_samples(*p.model, p.data.description.scaling, n,
                                       condition_rows(conditions, p.model->spec(), n),
                                       static_cast<std::uint64_t>(recipe.train.seed), n, p.device);
    const auto png = picture_png(drawn.x);
    return {reinterpret_cast<const char*>(png.data()), png.size()};
}

/// The density of points of the plane as a picture, where it is exact and needs no condition; else
/// "".
std::string density_picture(const Parts& p) {
    const Density* density = p.model->density();
    const DataSpec& spec = p.model->spec();
    if (!density || spec.x != Space{Kind::real, {2}} || !spec.conditions.empty()) return {};
    const Estimator estimator = density->estimators().front();
    if (estimator.strength != Strength::exact) return {};
    const at::NoGradGuard no_grad;
    const Scaling& scaling = p.data.description.scaling;
    const auto log_p = [&](const Tensor& points) {
        const Tensor x = scaling.to_model(points.to(at::kFloat)).to(p.device);
        return density->log_prob(x, {}, estimator.name, p.seed).cpu() + scaling.log_det({2});
    };
    const Tensor rows = spread(*p.data.data, p.data.split.train, kDrawnPoints).x;
    const auto png = density_png(log_p, box_of(rows), kDrawnPoints);
    return {reinterpret_cast<const char*>(png.data()), png.size()};
}

Training training_of(Parts& p, const Recipe& recipe) {
    Training t;
    t.model = p.model.get();
    t.players = p.players;
    t.options = recipe.train;
    t.identity = {recipe_hash(recipe),
                  p.data.description.fingerprint,
                  static_cast<std::uint64_t>(recipe.train.seed),
                  name_of(recipe.train.precision),
                  p.device.is_cuda() ? "cuda" : "cpu",
                  recipe.train.threads};
    t.device = p.device;
    t.batch = [&p](std::int64_t k) { return training_batch(*p.loader, k, p.device); };
    const auto& held_out = p.data.split.validation;
    const auto rows =
        std::min<std::int64_t>(kValidationRows, static_cast<std::int64_t>(held_out.size()));
    const std::int64_t batch = recipe.train.batch;
    t.validation_batches = (rows + batch - 1) / batch;
    t.validation = [&p, rows, batch](std::int64_t k) {
        const auto begin = static_cast<std::size_t>(k * batch);
        const auto count = static_cast<std::size_t>(std::min(batch, rows - k * batch));
        const std::span<const std::int64_t> all(p.data.split.validation);
        return take(*p.data.data, all.subspan(begin, count), p.data.description.scaling)
            .to(p.device);
    };
    if (p.model->samples() && !p.model->spec().x.is_sequence())
        t.draw = [&p, &recipe](std::int64_t) { return draw_picture(p, recipe); };
    return t;
}

void write_weights(const RunFolder& run, const Recipe& recipe, const Model& model) {
    write_tensors(
        run.weights(), weights_of(model.module()),
        {{"format", "pt"}, {"pushforward", version()}, {"recipe_hash", recipe_hash(recipe)}});
}

}  // namespace

FitResult fit(Recipe recipe, const FitOptions& options) {
    const bool resuming = options.existing == RunFolder::Existing::resume;
    const bool seed_chosen = recipe.train.seed < 0;
    if (resuming) continue_from(recipe, options.out / "recipe.toml");
    decide(recipe);
    Parts parts = assemble(recipe, options.device);
    if (!options.from.empty()) load_weights(*parts.model, RunFolder::open(options.from).weights());
    auto say = [&](const std::string& line) {
        if (options.say) options.say(line);
    };
    if (seed_chosen) say(text("seed ", recipe.train.seed));

    Training training = training_of(parts, recipe);
    RunFolder run = RunFolder::create(options.out, options.name, options.existing);
    FitResult result{run.path(), {}, parts.model->samples()};
    Checkpoints checkpoints(run.checkpoints(), recipe.train.keep, say);
    RunLog log(run);
    training.checkpoints = &checkpoints;
    training.logs = options.logs;
    training.logs.push_back(&log);
    training.stop = options.stop;
    training.max_seconds = options.max_seconds;
    training.how_to_resume = "pushforward train --resume --out " + run.path().string();
    const RunIdentity identity = training.identity;
    Trainer trainer(std::move(training));
    if (resuming && trainer.resume() && trainer.finished() &&
        std::filesystem::exists(run.weights())) {
        result.already_finished = true;
        result.summary = trainer.summary();
        return result;
    }
    write_atomic(run.recipe(), recipe_text(recipe));
    write_atomic(run.data(), description_json(parts.data.description));
    remove_tree(run.summary());  // of an earlier end
    try {
        result.summary = trainer.run();
    } catch (const NumericalError&) {
        write_atomic(run.report(), run_report(run));  // shows what led to it
        throw;
    }
    write_weights(run, recipe, *parts.model);
    write_summary(run, result.summary, identity);
    if (const std::string png = density_picture(parts); !png.empty())
        write_atomic(run.density(), png);
    write_atomic(run.report(), run_report(run));
    return result;
}

namespace {
/// Hears when each step ended.
struct StepTimes : TrainingLog {
    std::vector<double> seconds;
    void on_step(const StepReport& report) override { seconds.push_back(report.seconds); }
};
}  // namespace

DryRun dry_run(const Recipe& given, const std::string& device) {
    Recipe recipe = copy_of(given);
    decide(recipe);
    Parts p = assemble(recipe, device);
    auto& options = recipe.train;
    options.steps = 4;
    options.validate_every = options.sample_every = options.checkpoint_every = options.patience = 0;
    Training training = training_of(p, recipe);
    StepTimes times;
    training.logs = {&times};
    const TrainingSummary summary = Trainer(std::move(training)).run();
    if (p.model->samples())
        draw_samples(*p.model, p.data.description.scaling, 1, {}, p.seed.key(), 1, p.device);
    const double a_step = (times.seconds.back() - times.seconds.front()) /
                          static_cast<double>(times.seconds.size() - 1);
    return {p.data.description, summary.parameters, a_step};
}

}  // namespace pushforward
