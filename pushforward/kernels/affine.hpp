#pragma once

#include <ATen/core/Tensor.h>

#include <utility>

namespace pushforward {

using at::Tensor;

/// y = e^s x + m with s = r / (1 + |r| / log 1000): the scale stays within a factor of 1000 and its
/// logarithm is smooth and never cut off (Dinh et al. 2016). x is [N, d], `parameters` [N, d, 2]:
/// m, then r. Returns y [N, d] and log |det dy/dx| = sum s, [N]; with `inverse`, x is the y of the
/// forward map. In float32 or float64, differentiable in both arguments; one fused pass each way on
/// the CPU, for parameters that lie side by side or one after the other.
std::pair<Tensor, Tensor> affine(const Tensor& x, const Tensor& parameters, bool inverse);

/// The same as a composition of ATen's operators.
std::pair<Tensor, Tensor> affine_plain(const Tensor& x, const Tensor& parameters, bool inverse);

}  // namespace pushforward
