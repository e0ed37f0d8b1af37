#pragma once

#include "pushforward/math/jacobian.hpp"

#include <cstdint>

namespace pushforward {

struct PreimageOptions {
    std::int64_t iterations = 100;
    double tolerance = 1e-10;  ///< found: |map(z) - x| <= tolerance (1 + |x|)
    double apart = 1e-6;       ///< two within apart (1 + |z|) of one another are one
};

/// Points z [M, k] float64 with map(z) = x[row], int64 [M], sorted by row.
struct Preimages {
    Tensor z, row;
};
/// The preimages of x [N, d] that damped Gauss-Newton steps reach from `starts` [S, k], each tried
/// for each row, in float64: roots where d = k; points of an embedded manifold where d > k (none
/// where x is off it by more than the tolerance); where d < k the point of the fibre that a start
/// is led to. One that no start leads to is missed: S is the caller's.
Preimages preimages(const Map& map, const Tensor& x, const Tensor& starts,
                    const PreimageOptions& options = {});

}  // namespace pushforward
