#pragma once

#include "pushforward/audit/denoising_truth.hpp"
#include "pushforward/training/run.hpp"

namespace pushforward {

// What the claims about models that say one symbol after another share.

/// The recipe of a fit: `model` are the lines of [model], `scale` is for pictures of levels.
std::string symbols_recipe(const std::string& source, const std::string& model,
                           const CosineTraining& training, bool scale = false);

/// All K^n strings of n symbols, int64 [K^n, n], the first symbol the slowest.
Tensor all_strings(std::int64_t symbols, std::int64_t n);

/// log p of the run's items with those symbols, float64 [N], `chunk` rows at a time.
Tensor log_probs_of(const OpenedRun& run, const Tensor& symbols, std::int64_t chunk = 4096);

/// Pearson's chi-square test of counts against a law, float64 [cells] each: P(as far or farther).
/// The rarest cells are put together until each has five expected draws. 0 where a cell of
/// probability 0 was drawn.
double counts_p(const Tensor& counts, const Tensor& law);

}  // namespace pushforward
