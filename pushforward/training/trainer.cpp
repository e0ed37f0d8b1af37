#include "pushforward/training/trainer.hpp"

#include "pushforward/base/json.hpp"
#include "pushforward/training/average.hpp"
#include "pushforward/training/optimiser.hpp"
#include "pushforward/training/schedule.hpp"
#include "pushforward/training/summed_loss.hpp"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <sys/resource.h>
#include <torch/nn/module.h>

#include <chrono>
#include <cmath>

namespace pushforward {
namespace {

// Independent streams of the training's seed.
constexpr std::uint64_t kTrainStream = 0x747261696e, kValidationStream = 0x76616c6964;

class Clock {
public:
    double seconds() const {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    }

private:
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

std::int64_t peak_memory() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return std::int64_t{usage.ru_maxrss} * 1024;
}

}  // namespace

struct Trainer::Self {
    Training in;
    NamedTensors trained;  ///< all players' parameters
    std::vector<Optimiser> optimisers;
    std::unique_ptr<Average> average;
    TrainState state;
    Rng rng;
    Clock clock;
    double seconds_before = 0;   ///< of earlier processes
    double step_seconds = 0;     ///< of this process, in steps
    std::int64_t rows_here = 0;  ///< of this process
    std::int64_t last_saved = -1;
    bool late = false;  ///< the time limit ended it

    explicit Self(Training training)
        : in(std::move(training)), rng(Rng(in.identity.seed).split(kTrainStream)) {
        PF_CHECK(in.model && in.batch, "trainer", "a model and batches", "none");
        PF_CHECK(in.options.accumulate <= in.options.batch, "train.accumulate",
                 text("at most train.batch = ", in.options.batch), in.options.accumulate);
        check_players(in.players, in.model->module());
        for (const auto& player : in.players) {
            optimisers.emplace_back(player.groups, in.options);
            for (const auto& [name, p] : parameters_of(player)) trained[name] = p;
        }
        if (in.options.ema_half_life > 0)
            average = std::make_unique<Average>(trained, in.options.ema_half_life);
        state.identity = in.identity;
    }

    double seconds() const { return seconds_before + clock.seconds(); }
    template <class F>
    void tell(F f) {
        for (auto* log : in.logs) f(*log);
    }
    std::string suffix(const Player& player) const {
        return in.players.size() > 1 ? "/" + player.name : "";
    }

    // --- one step ------------------------------------------------------------------------------
    StepReport step();
    SummedLoss gradient(const Player& player, const Batch& batch, Rng noise);
    Batch next_batch();
    [[noreturn]] void diverged(const std::string& what);

    // --- between steps -------------------------------------------------------------------------
    bool validate();
    void draw();
    void save();
    void restore(const Checkpoint& checkpoint);
    Checkpoint snapshot() const;
    void use_final_weights();
    std::string last_good() const;
    TrainingSummary summary() const;
};

// One step: every player that plays takes its turns, then the average follows the weights.
StepReport Trainer::Self::step() {
    const Clock timer;
    const auto& o = in.options;
    const auto now = state.step;
    const Rng noise = rng.split(static_cast<std::uint64_t>(now));
    // Dropout and other draws of LibTorch's own become a function of (seed, step), too.
    at::manual_seed(noise.key());

    StepReport report;
    report.learning_rate = learning_rate_at(o, now);
    report.steps = o.steps;
    report.logged = (now + 1) % o.log_every == 0 || now + 1 == o.steps;
    state.last_terms.clear();
    Batch batch;
    for (std::size_t i = 0; i < in.players.size(); ++i) {
        const auto& player = in.players[i];
        if (now % player.every != 0) continue;
        const Turn turn(in.players, static_cast<std::int64_t>(i));
        for (int t = 0; t < player.turns; ++t) {
            if (!batch.x.defined() || player.fresh_batch) batch = next_batch();
            optimisers[i].zero_grad();
            const auto loss = gradient(player, batch, noise.split(i).split(std::uint64_t(t)));
            const double norm = optimisers[i].gradient_norm();
            if (!std::isfinite(loss.value) || !std::isfinite(norm)) {
                std::string what = "the gradient's norm is " + number_text(norm);
                NamedNumbers terms;
                loss.report(suffix(player), terms);
                for (const auto& [name, value] : terms)
                    what += ", " + name + " " + number_text(value);
                diverged(what);
            }
            const double scale = o.clip > 0 && norm > o.clip ? o.clip / norm : 1;
            optimisers[i].step(report.learning_rate, scale);
            report.gradient_norm = std::max(report.gradient_norm, norm);
            if (t + 1 < player.turns) continue;
            if (report.logged)
                loss.report(suffix(player), report.terms);
            else
                report.terms.emplace_back("loss" + suffix(player), loss.value);
        }
        optimisers[i].zero_grad();
    }
    if (average) average->update();
    state.step = now + 1;
    state.last_terms = report.terms;
    step_seconds += timer.seconds();

    report.step = state.step;
    report.seconds = state.seconds = seconds();
    report.samples = state.samples;
    report.samples_per_second = static_cast<double>(rows_here) / std::max(step_seconds, 1e-9);
    return report;
}

// The gradient of the batch's mean loss, piece by piece. Row r's noise depends on r alone, so the
// pieces see what they would see in the whole batch.
SummedLoss Trainer::Self::gradient(const Player& player, const Batch& batch, Rng noise) {
    SummedLoss sum;
    const auto rows = batch.size();
    const auto piece = (rows + in.options.accumulate - 1) / in.options.accumulate;
    for (std::int64_t begin = 0; begin < rows; begin += piece) {
        const auto end = std::min(rows, begin + piece);
        const bool whole = begin == 0 && end == rows;
        const double share = static_cast<double>(end - begin) / static_cast<double>(rows);
        const auto loss = player.loss(whole ? batch : batch.slice(begin, end),
                                      {state.step, noise.rows_from(begin)});
        PF_CHECK(loss.value.defined() && loss.value.dim() == 0 && loss.value.requires_grad(),
                 "player " + player.name, "a scalar loss that depends on its parameters",
                 loss.value.defined() ? text("shape ", loss.value.sizes()) : "none");
        (whole ? loss.value : loss.value * share).backward();
        sum.add(loss, share);
    }
    return sum;
}

Batch Trainer::Self::next_batch() {
    auto batch = in.batch(state.batches);
    if (!in.device.is_cpu()) batch = batch.to(in.device);
    PF_CHECK(batch.size() > 0, "trainer", "batches with rows", "an empty one");
    ++state.batches;
    state.samples += batch.size();
    rows_here += batch.size();
    return batch;
}

std::string Trainer::Self::last_good() const {
    const auto kept = in.checkpoints ? in.checkpoints->steps() : std::vector<std::int64_t>{};
    if (kept.empty()) return "there was no checkpoint yet";
    return "the last good checkpoint is " + in.checkpoints->path(kept.back()).string();
}

void Trainer::Self::diverged(const std::string& what) {
    tell([](TrainingLog& log) { log.flush(); });
    throw NumericalError(text("diverged at step ", state.step + 1, ": ", what, "; ", last_good(),
                              "; a lower train.learning_rate or train.clip may help"));
}

// The first player's loss on the validation rows decides which weights are the best.
bool Trainer::Self::validate() {
    const Average::InUse averaged(average.get());
    const Turn nobody(in.players, -1);
    auto& module = in.model->module();
    module.eval();
    const Rng noise = Rng(in.identity.seed).split(kValidationStream);
    ValidationReport report;
    std::int64_t rows = 0;
    std::vector<SummedLoss> sums(in.players.size());
    for (std::int64_t k = 0; k < in.validation_batches; ++k) {
        const auto batch = in.validation(k).to(in.device);
        rows += batch.size();
        for (std::size_t i = 0; i < in.players.size(); ++i)
            sums[i].add(
                in.players[i].loss(
                    batch, {state.step, noise.split(static_cast<std::uint64_t>(k)).split(i)}),
                static_cast<double>(batch.size()));
    }
    module.train();
    for (std::size_t i = 0; i < sums.size(); ++i)
        sums[i].report(suffix(in.players[i]), report.terms);
    for (auto& [name, value] : report.terms) value /= static_cast<double>(rows);
    report.loss = report.terms.front().second;
    report.step = state.step;
    report.best =
        std::isfinite(report.loss) && (!state.best_loss || report.loss < *state.best_loss);
    if (report.best) {
        state.best_loss = report.loss;
        state.best_step = state.step;
        state.worse = 0;
    } else {
        ++state.worse;
    }
    report.seconds = seconds();
    tell([&](TrainingLog& log) { log.on_validation(report); });
    return report.best;
}

void Trainer::Self::draw() {
    const Average::InUse averaged(average.get());
    in.model->module().eval();
    const auto png = in.draw(state.step);
    in.model->module().train();
    if (!png.empty()) tell([&](TrainingLog& log) { log.on_samples(state.step, png); });
}

Checkpoint Trainer::Self::snapshot() const {
    Checkpoint c;
    c.state = state;
    c.weights = weights_of(in.model->module());
    for (std::size_t i = 0; i < in.players.size(); ++i) {
        // A player's own networks (a critic) may live outside the model.
        for (const auto& [name, parameter] : parameters_of(in.players[i]))
            c.weights.emplace(name, parameter);
        for (const auto& [name, tensor] : optimisers[i].state())
            c.optimiser[in.players[i].name + "/" + name] = tensor;
    }
    if (average) c.average = average->values();
    return c;
}

void Trainer::Self::save() {
    if (!in.checkpoints || last_saved == state.step) return;
    tell([](TrainingLog& log) { log.flush(); });
    state.seconds = seconds();
    if (average) state.average_updates = average->updates();
    const auto c = snapshot();
    for (const auto& [name, tensor] : c.weights)
        if (tensor.is_floating_point() && !tensor.isfinite().all().item<bool>())
            throw NumericalError(text("diverged at step ", state.step, ": ", name,
                                      " is not finite; ", last_good(),
                                      "; a lower train.learning_rate or train.clip may help"));
    const auto folder = in.checkpoints->save(c);
    last_saved = state.step;
    tell([&](TrainingLog& log) { log.on_checkpoint(state.step, folder); });
}

void Trainer::Self::restore(const Checkpoint& c) {
    const auto target = snapshot();
    const auto folder = in.checkpoints->path(c.state.step);
    copy_tensors(target.weights, c.weights, (folder / "weights.safetensors").string());
    copy_tensors(target.average, c.average, (folder / "average.safetensors").string());
    copy_tensors(target.optimiser, c.optimiser, (folder / "optimiser.safetensors").string());
    if (average) average->set_updates(c.state.average_updates);
    state = c.state;
    state.identity = in.identity;
    seconds_before = state.seconds;
    last_saved = state.step;
}

void Trainer::Self::use_final_weights() {
    auto use = snapshot();
    if (in.options.patience > 0 && state.best_loss && in.checkpoints) try {
            const auto folder = in.checkpoints->path(state.best_step);
            auto best = Checkpoints::read(folder);
            copy_tensors(use.weights, best.weights, folder.string());
            use.average = std::move(best.average);
        } catch (const DataError& e) {
            tell([&](TrainingLog& log) {
                log.on_warning(
                    text("the best weights are lost, the last ones are used: ", e.what()));
            });
        }
    if (average && average->updates() > 0) copy_tensors(trained, use.average, "average");
    in.model->module().eval();
}

TrainingSummary Trainer::Self::summary() const {
    using End = TrainingSummary::End;
    TrainingSummary s;
    s.end = late ? End::time : state.stopped_early ? End::patience : End::steps;
    s.step = state.step;
    s.samples = state.samples;
    s.seconds = state.seconds;
    s.samples_per_second = static_cast<double>(rows_here) / std::max(step_seconds, 1e-9);
    s.last_terms = state.last_terms;
    s.best_loss = state.best_loss;
    s.best_step = state.best_step;
    for (const auto& p : in.model->module().parameters()) s.parameters += p.numel();
    s.peak_memory_bytes = peak_memory();
    return s;
}

Trainer::Trainer(Training training) : self_(std::make_unique<Self>(std::move(training))) {}
Trainer::~Trainer() = default;

bool Trainer::resume() {
    auto& s = *self_;
    const auto found = s.in.checkpoints ? s.in.checkpoints->latest() : std::nullopt;
    if (!found) return false;
    const auto &was = found->state.identity, &is = s.in.identity;
    auto same = [](const char* what, const auto& before, const auto& now) {
        PF_CHECK(before == now, "--resume",
                 text("the ", what, " that the run began with, ", before), now);
    };
    same("recipe (train.steps apart)", was.recipe_hash, is.recipe_hash);
    same("seed", was.seed, is.seed);
    same("precision", was.precision, is.precision);
    const auto folder = s.in.checkpoints->path(found->state.step).string();
    if (was.data_fingerprint != is.data_fingerprint)
        throw DataError(folder, "data_fingerprint",
                        "the training data are not those that the run began with");
    auto differs = [&](const char* what, const auto& before, const auto& now) {
        if (before != now)
            s.tell([&](TrainingLog& log) {
                log.on_warning(text("the run began with ", what, " ", before, ", it goes on with ",
                                    now, ": the result will not be the same to the last bit"));
            });
    };
    differs("threads", was.threads, is.threads);
    differs("device", was.device, is.device);
    s.restore(*found);
    return true;
}

bool Trainer::finished() const {
    return self_->state.stopped_early || self_->state.step >= self_->in.options.steps;
}

TrainingSummary Trainer::summary() const {
    return self_->summary();
}

TrainingSummary Trainer::run() {
    auto& s = *self_;
    const auto& o = s.in.options;
    auto due = [&](std::int64_t every) {
        return every > 0 && (s.state.step % every == 0 || s.state.step == o.steps);
    };
    s.clock = Clock();
    s.in.model->module().train();
    s.tell([&](TrainingLog& log) { log.on_start(s.state.step, o.steps); });
    while (!finished()) {
        const auto report = s.step();
        s.tell([&](TrainingLog& log) { log.on_step(report); });
        bool checkpoint = due(o.checkpoint_every) || s.state.step == o.steps;
        if (s.in.validation_batches > 0 && due(o.validate_every)) {
            checkpoint |= s.validate();
            s.state.stopped_early = o.patience > 0 && s.state.worse >= o.patience;
        }
        if (s.in.draw && due(o.sample_every)) s.draw();
        const int signal = s.in.stop ? s.in.stop->load() : 0;
        s.late = s.in.max_seconds > 0 && s.clock.seconds() >= s.in.max_seconds;
        if (checkpoint || signal || s.late || s.state.stopped_early) s.save();
        if (finished()) {
            s.late = false;
            break;
        }
        if (signal)
            throw Interrupted(signal,
                              text("interrupted after step ", s.state.step, " of ", o.steps, "; ",
                                   s.last_good(), "; continue with: ", s.in.how_to_resume));
        if (s.late) break;
    }
    s.use_final_weights();
    s.state.seconds = s.seconds();
    return s.summary();
}

}  // namespace pushforward
