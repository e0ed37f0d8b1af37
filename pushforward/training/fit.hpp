#pragma once

#include "pushforward/data/description.hpp"
#include "pushforward/training/recipe.hpp"
#include "pushforward/training/run_folder.hpp"
#include "pushforward/training/trainer.hpp"

#include <atomic>
#include <functional>
#include <string>
#include <vector>

namespace pushforward {

/// How a training is run, beside its recipe.
struct FitOptions {
    std::string name = "run";  ///< names the folder when `out` is empty
    std::filesystem::path out;
    RunFolder::Existing existing = RunFolder::Existing::refuse;
    std::filesystem::path from;  ///< a run whose weights are the start
    std::string device = "auto";
    const std::atomic<int>* stop = nullptr;       ///< becomes a signal's number
    double max_seconds = 0;                       ///< 0 = no limit
    std::vector<TrainingLog*> logs;               ///< beside the run folder's own
    std::function<void(const std::string&)> say;  ///< what the user should know, a line each
};

struct FitResult {
    std::filesystem::path run;
    TrainingSummary summary;
    bool samples = true;  ///< whether the model draws samples
    bool already_finished = false;
};

/// Trains a recipe and leaves a run folder: data, model, objective, trainer, page. What the recipe
/// leaves open (seed, threads, precision) is decided and written into the folder's recipe.toml.
/// Everything that can be refused is refused before the folder is touched.
FitResult fit(Recipe recipe, const FitOptions& options);

/// What a training would be, found out by doing a little of it.
struct DryRun {
    DataDescription data;
    std::int64_t parameters = 0;
    double seconds_a_step = 0;
};

/// Opens the data, builds the model, takes four steps (the first warms up) and draws one sample;
/// leaves nothing behind.
DryRun dry_run(const Recipe& recipe, const std::string& device = "auto");

}  // namespace pushforward
