#pragma once

#include "pushforward/core/rng.hpp"

#include <ATen/core/Tensor.h>

namespace pushforward {

/// k centres of rows [n, D], by Lloyd's iterations from k-means++ seeds (Arthur & Vassilvitskii
/// 2007), and which centre each row is nearest to.
struct Clusters {
    Tensor centre;  ///< [k, D] float64
    Tensor member;  ///< int64 [n]
};
/// UsageError when there are fewer rows than centres.
Clusters k_means(const Tensor& rows, std::int64_t k, Rng rng, std::int64_t iterations = 50);

}  // namespace pushforward
