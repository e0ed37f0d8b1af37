#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace pushforward {

using at::Tensor;

/// Parameters [..., 3 m] of a mixture of m logistic laws (logits of the weights, means, logarithms
/// of the scales, at least -7) -> log-probabilities [..., K] of K >= 2 levels from -1 to 1, each
/// of which takes what lies nearest to it (PixelCNN++: Salimans et al. 2017, sec. 2.1).
Tensor logistic_levels(const Tensor& parameters, std::int64_t levels);

/// The same for one place of one row: [3 m] -> y [levels]; `work` is its own room.
void logistic_levels_step(const float* parameters, std::int64_t m, std::int64_t levels, float* y,
                          std::vector<double>& work);

}  // namespace pushforward
