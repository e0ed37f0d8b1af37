#pragma once

#include <ATen/core/Tensor.h>

namespace pushforward {

using at::Tensor;

/// y = x W^T + b over the last dimension: x [..., in], weight [out, in], bias [out] or undefined.
/// Differentiable as often as wanted. Float32 products on the CPU that are large enough to pay for
/// the call go to oneDNN, which LibTorch's own `linear` leaves to its BLAS.
Tensor linear_layer(const Tensor& x, const Tensor& weight, const Tensor& bias);

}  // namespace pushforward
