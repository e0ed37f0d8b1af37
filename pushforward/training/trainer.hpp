#pragma once

#include "pushforward/core/objective.hpp"
#include "pushforward/training/checkpoint.hpp"
#include "pushforward/training/log.hpp"
#include "pushforward/training/options.hpp"

#include <atomic>

namespace pushforward {

/// What a training is made of. The model and the pointers must outlive the Trainer.
struct Training {
    Model* model = nullptr;
    std::vector<Player> players;
    TrainOptions options;
    RunIdentity identity;  ///< its seed is the training's
    at::Device device = at::kCPU;

    /// Batch number k = 0, 1, ... of `options.batch` rows: a function of k alone.
    std::function<Batch(std::int64_t k)> batch;
    /// Batch k = 0 .. validation_batches - 1 of the validation rows.
    std::function<Batch(std::int64_t k)> validation;
    std::int64_t validation_batches = 0;
    /// Draws from the model as it now is (averaged weights, eval mode): a PNG, or "" for none.
    std::function<std::string(std::int64_t step)> draw;

    Checkpoints* checkpoints = nullptr;  ///< null: none are kept
    std::vector<TrainingLog*> logs;
    const std::atomic<int>* stop = nullptr;  ///< becomes a signal's number
    double max_seconds = 0;                  ///< of this process; 0 = no limit
    std::string how_to_resume;               ///< the command, for messages
};

struct TrainingSummary {
    std::int64_t step = 0;
    double seconds = 0;             ///< all processes together
    double samples_per_second = 0;  ///< this process, in training steps
    NamedNumbers final_terms;       ///< of the last step
    std::optional<double> best_loss;
    std::int64_t best_step = 0;
    std::int64_t parameters = 0;
    std::int64_t peak_memory_bytes = 0;
    enum class End { steps, time, patience } end = End::steps;
};

/// Fits any game of players; alone calls `backward`. On a player's turn the others' parameters
/// are frozen. Whatever outlives a step is in a checkpoint or a function of (seed, step, row).
class Trainer {
public:
    /// UsageError when players share a parameter or leave out one that requires a gradient.
    explicit Trainer(Training training);
    ~Trainer();

    /// Takes up the newest valid checkpoint; false when there is none. UsageError when the recipe
    /// differs from the checkpoint's, DataError when the data do.
    bool resume();
    /// What resume() found: whether nothing is left to be done.
    bool finished() const;

    /// Trains to the end, leaving the weights to use (averaged where the options average, the
    /// best ones where `patience` is set) in the model.
    /// NumericalError: a non-finite loss, gradient or weight. Interrupted: a signal.
    TrainingSummary run();

private:
    struct Self;
    std::unique_ptr<Self> self_;
};

}  // namespace pushforward
