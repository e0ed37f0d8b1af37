#pragma once

#include "pushforward/core/metric.hpp"

#include <memory>

namespace pushforward {

/// Mean over random directions w, uniform on the sphere, of W_p(w.a, w.b)^p, to the power 1/p
/// (Rabin et al. 2011; p = 1 or 2), in the data's unit. a [N, event...], b [M, event...]; sets of
/// unequal sizes are compared by their quantile functions, exactly. In one dimension the sphere
/// has two points and the answer is W_p itself. The standard error is the bootstrap's over the
/// items together with the spread over directions. Two samples of one law do not give 0: see
/// the metric's `floor`.
Measurement sliced_wasserstein(const Tensor& a, const Tensor& b, int order, Rng rng,
                               std::int64_t directions = 256, std::int64_t resamples = 20);

/// The samples against the held-out rows, and `/floor`: the two halves of the held-out rows
/// against each other, what equally good sets of that size would give.
std::unique_ptr<Metric> make_sliced_wasserstein(int order);

}  // namespace pushforward
