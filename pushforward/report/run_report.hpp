#pragma once

#include "pushforward/training/run_folder.hpp"

namespace pushforward {

/// The page of a run from what its folder holds (metrics.jsonl, samples/, recipe.toml,
/// summary.json): verdict, curves, sample grids over training, figures, recipe, environment.
std::string run_report(const RunFolder& run);

}  // namespace pushforward
