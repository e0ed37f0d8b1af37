#pragma once

#include "pushforward/core/model.hpp"

namespace pushforward {

// Exact densities and their derivatives by autograd, row by row.

/// d log p(x) / dx of an exact density at each row, [B, D], `chunk` rows at a time.
Tensor score_of(const Density& density, const Tensor& x, std::int64_t chunk = 10000);

/// log p(x) of an exact density without a graph, [B], `chunk` rows at a time.
Tensor log_density_of(const Density& density, const Tensor& x, std::int64_t chunk = 10000);

/// log N(z; 0, I) of each row, [B].
Tensor standard_normal_log_density(const Tensor& z);

}  // namespace pushforward
