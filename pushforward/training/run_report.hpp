#pragma once

#include "pushforward/training/run_folder.hpp"

namespace pushforward {

/// The page of a run from what its folder holds (metrics.jsonl, samples/, recipe.toml, data.json,
/// summary.json; what is missing is left out): verdict, curves, sample grids over training,
/// figures, data, recipe, environment.
std::string run_report(const RunFolder& run);

}  // namespace pushforward
