#pragma once

#include "pushforward/core/weights.hpp"
#include "pushforward/training/log.hpp"

#include <functional>
#include <optional>

namespace pushforward {

/// What must be the same for a continuation to be exact; written into every checkpoint.
struct RunIdentity {
    std::string recipe_hash;       ///< of the resolved recipe without train.steps
    std::string data_fingerprint;  ///< of the training rows
    std::uint64_t seed = 0;
    std::string precision = "float32";
    std::string device = "cpu";
    std::int64_t threads = 1;
};

/// Everything beside the tensors that outlives a step.
struct TrainState {
    std::int64_t step = 0;     ///< steps done
    std::int64_t batches = 0;  ///< the data cursor: batches taken
    std::int64_t samples = 0;  ///< rows seen
    double seconds = 0;        ///< time spent, all processes together
    std::int64_t average_updates = 0;
    std::optional<double> best_loss;  ///< lowest validation loss, at `best_step`
    std::int64_t best_step = 0;
    std::int64_t worse = 0;      ///< validations since then
    bool stopped_early = false;  ///< patience ran out: nothing is left to be done
    NamedNumbers last_terms;     ///< the loss of the last step
    RunIdentity identity;
};

struct Checkpoint {
    TrainState state;
    NamedTensors weights, average, optimiser;  ///< `average` is empty without averaging
};

/// A run's `checkpoints/`. Each is a folder step-N with weights.safetensors, average.safetensors,
/// optimiser.safetensors, state.json and, written last, manifest.json with the size and SHA-256 of
/// each. They are written under another name, synced and renamed: a folder named step-N is whole,
/// and what is damaged later is found by its hash.
class Checkpoints {
public:
    /// Removes what an interrupted write left behind. Warnings go to `warn`.
    Checkpoints(std::filesystem::path folder, std::int64_t keep,
                std::function<void(const std::string&)> warn = {});

    /// Writes step-N and then removes all but the newest `keep` and the best. StorageError (with
    /// the bytes needed) when it does not fit; what was there stays.
    std::filesystem::path save(const Checkpoint& checkpoint);

    /// The newest valid checkpoint; damaged ones are warned of and passed over. None when there
    /// never was one; DataError when there are some and all are damaged.
    std::optional<Checkpoint> latest() const;
    /// The steps of which there is a folder, ascending.
    std::vector<std::int64_t> steps() const;
    std::filesystem::path path(std::int64_t step) const;

    /// Reads one; DataError naming the file that is missing, cut short or altered.
    static Checkpoint read(const std::filesystem::path& folder);

private:
    void remove(std::int64_t step);

    std::filesystem::path folder_;
    std::int64_t keep_;
    std::function<void(const std::string&)> warn_;
};

}  // namespace pushforward
