#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace pushforward {

using at::Tensor;

/// The permutation p that minimises sum_i cost[i, p_i] for a square cost [n, n], by shortest
/// augmenting paths with potentials (Kuhn 1955; Jonker & Volgenant 1987): O(n^3), float64.
/// UsageError when the cost is not square or not finite.
std::vector<std::int64_t> assignment(const Tensor& cost);

/// |x_i - y_j|^2 for rows flattened: [n, m] float64.
Tensor squared_distances(const Tensor& x, const Tensor& y);

}  // namespace pushforward
