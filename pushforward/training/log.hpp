#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace pushforward {

using NamedNumbers = std::vector<std::pair<std::string, double>>;

/// One step as it is reported. `terms` begins with "loss" ("loss/PLAYER" in a game) and goes on
/// with the loss's own terms, which are read only for logged steps.
struct StepReport {
    std::int64_t step = 0;   ///< steps done, this one included
    std::int64_t steps = 0;  ///< of so many
    bool logged = false;     ///< belongs in the metrics file
    double seconds = 0;      ///< since the training began, all processes together
    std::int64_t samples = 0;
    double samples_per_second = 0;  ///< of this process
    double learning_rate = 0;
    double gradient_norm = 0;  ///< before clipping; the largest of a game's players
    NamedNumbers terms;
};

/// The loss on the validation rows, in averaged weights, with the same noise each time.
struct ValidationReport {
    std::int64_t step = 0;
    double seconds = 0;
    double loss = 0;
    bool best = false;
    NamedNumbers terms;  ///< the loss's own terms
};

/// Who hears of a training: progress bar, metrics.jsonl, event files, the page.
class TrainingLog {
public:
    virtual ~TrainingLog() = default;
    /// The training goes on after `step` steps (0: from the start); what was said of later steps
    /// is void.
    virtual void on_start(std::int64_t step, std::int64_t steps);
    virtual void on_step(const StepReport& report);
    virtual void on_validation(const ValidationReport& report);
    virtual void on_samples(std::int64_t step, const std::string& png);
    virtual void on_checkpoint(std::int64_t step, const std::filesystem::path& folder);
    virtual void on_warning(const std::string& message);
    /// Called before a checkpoint: what was said until now must be on disk when it returns.
    virtual void flush();
};

}  // namespace pushforward
