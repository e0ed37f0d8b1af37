#pragma once

#include <ATen/core/Tensor.h>

namespace pushforward {

using at::Tensor;

enum class Trace { exact, hutchinson };

/// sum_i dy_i / dx_i of each row, [B], for y [B, event...] whose row r depends on x's row r alone;
/// x requires a gradient and y has its graph. exact: D backward passes; hutchinson: one, signs^T
/// (dy/dx) signs, unbiased for independent random signs +-1 of x's shape (Hutchinson 1989).
/// `differentiable` keeps the answer's own graph.
Tensor divergence(const Tensor& y, const Tensor& x, Trace trace, const Tensor& signs,
                  bool differentiable = false);

}  // namespace pushforward
