#pragma once

#include "pushforward/training/checkpoint.hpp"
#include "pushforward/training/log.hpp"
#include "pushforward/training/options.hpp"
#include "pushforward/training/players.hpp"

#include <atomic>
#include <functional>
#include <memory>

namespace pushforward {

/// What a training is made of. The model and what is pointed to must outlive the Trainer.
struct Training {
    Model* model = nullptr;
    std::vector<Player> players;
    TrainOptions options;
    RunIdentity identity;  ///< its seed is the training's
    at::Device device = at::kCPU;

    /// Batch number k = 0, 1, ... of `options.batch` rows, a function of k alone.
    std::function<Batch(std::int64_t k)> batch;
    /// Batch k = 0 .. validation_batches - 1 of the validation rows.
    std::function<Batch(std::int64_t k)> validation = {};
    std::int64_t validation_batches = 0;
    /// Draws from the model as it now is (averaged weights, eval mode): a PNG, or "" for none.
    std::function<std::string(std::int64_t step)> draw = {};

    Checkpoints* checkpoints = nullptr;  ///< null: none are kept
    std::vector<TrainingLog*> logs = {};
    const std::atomic<int>* stop = nullptr;  ///< becomes a signal's number
    double max_seconds = 0;                  ///< of this process; 0 = no limit
    std::string how_to_resume = {};          ///< the command, for messages
};

struct TrainingSummary {
    enum class End { steps, time, patience };
    End end = End::steps;
    std::int64_t step = 0;
    std::int64_t samples = 0;
    double seconds = 0;             ///< all processes together
    double samples_per_second = 0;  ///< this process, in training steps
    NamedNumbers last_terms;        ///< of the last step
    std::optional<double> best_loss;
    std::int64_t best_step = 0;
    std::int64_t parameters = 0;
    std::int64_t peak_memory_bytes = 0;
};

/// Fits any game of players; alone calls `backward`. On a player's turn the others' parameters
/// are frozen. Whatever outlives a step is in a checkpoint or a function of (seed, step, row).
class Trainer {
public:
    /// UsageError when players share a parameter or leave out one that requires a gradient.
    explicit Trainer(Training training);
    ~Trainer();

    /// Takes up the newest valid checkpoint; false when there is none. UsageError when it is of
    /// another recipe, seed or precision, DataError when it is of other data.
    bool resume();
    /// Nothing is left to be done: run() would only put the weights to use into the model.
    bool finished() const;
    /// Where the training stands; what run() returns.
    TrainingSummary summary() const;

    /// Trains to the end and leaves the weights to use in the model: averaged ones where the
    /// options average, those of the best validation where `patience` is set.
    /// NumericalError: a loss, gradient or weight is not finite. Interrupted: a signal came.
    TrainingSummary run();

private:
    struct Self;
    std::unique_ptr<Self> self_;
};

}  // namespace pushforward
