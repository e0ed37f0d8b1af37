#pragma once

#include <ATen/core/Tensor.h>

namespace pushforward {

using at::Tensor;

/// y = x W^T + b over the last dimension: x [..., in], weight [out, in], bias [out] or undefined.
/// Differentiable as often as wanted. In float32 on a CPU with AVX-512 the products are our own
/// (kernels/product_cpu.hpp): more than twice as fast as those of LibTorch's BLAS where that does
/// not know the processor, and without a thread's or a row's influence on another row's bits.
Tensor linear_layer(const Tensor& x, const Tensor& weight, const Tensor& bias);

}  // namespace pushforward
