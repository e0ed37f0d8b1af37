#pragma once

#include <ATen/core/Tensor.h>

namespace pushforward {

using at::Tensor;

/// y = (x - mean) / sqrt(var + eps) * weight + bias with mean and variance over each group of
/// channels and all positions of one item (Wu & He 2018), then y sigmoid(y) when `silu`.
/// x [N, C, positions...] in float32, bfloat16 or float64; weight and bias [C]. Statistics and
/// arithmetic are in float32 (float64 for float64). On the CPU float32 and bfloat16 items of two
/// dimensions take a fused kernel, which answers channels-last; gradients of any order.
Tensor group_norm_silu(const Tensor& x, const Tensor& weight, const Tensor& bias,
                       std::int64_t groups, double eps, bool silu);

/// The same as plain differentiable calls: what the above must equal.
Tensor group_norm_silu_plain(const Tensor& x, const Tensor& weight, const Tensor& bias,
                             std::int64_t groups, double eps, bool silu);

}  // namespace pushforward
