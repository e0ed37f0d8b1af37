#pragma once

#include "pushforward/core/metric.hpp"

#include <memory>

namespace pushforward {

/// The simple loss of a denoiser on the held-out rows, E |F(x_t, t, c) - F*|^2 averaged over the
/// event (Ho et al. 2020, eq. 14), in model units: one figure for each of five equally likely
/// ranges of the training times, `validation_loss/t=MEDIAN`, and their mean `validation_loss`.
/// Each row meets each range once, with noise that depends on (seed, range, row) alone.
std::unique_ptr<Metric> make_validation_loss();

}  // namespace pushforward
