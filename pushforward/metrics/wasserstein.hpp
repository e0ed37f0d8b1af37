#pragma once

#include "pushforward/core/metric.hpp"

#include <memory>

namespace pushforward {

/// W_2 of two sets of n items each, exactly: sqrt(min over pairings of the mean |a_i - b_p(i)|^2)
/// (Villani 2009), by the assignment problem in float64, O(n^3). The standard error is that of the
/// mean squared distance at the best pairing, by the delta method. UsageError when sizes differ.
Measurement wasserstein_2(const Tensor& a, const Tensor& b);

/// As many samples against the first half of the held-out rows (at most 2000), and `/floor`: the
/// second half against the first, what equally good samples would give.
std::unique_ptr<Metric> make_wasserstein_2();

}  // namespace pushforward
