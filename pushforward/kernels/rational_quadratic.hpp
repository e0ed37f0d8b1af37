#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <utility>

namespace pushforward {

using at::Tensor;

/// Monotone rational-quadratic splines (Gregory & Delbourgo 1982; Durkan et al. 2019, eq. 4 to 8).
///
/// On [-bound, bound] K bins of widths 2 bound (m + (1 - K m) softmax(u)) and heights likewise,
/// with slopes m + softplus(r + c) at the K - 1 inner knots, m = 1e-3 and c such that r = 0 is
/// slope 1; outside y = x, and the slope at both ends is 1. All parameters zero: the identity.
/// x is [N, d], `parameters` [N, d, 3 K - 1]: u of the widths, of the heights, then r. With 3 K the
/// spline is a circle's: both ends are one knot, whose slope comes first (Rezende et al. 2020),
/// and points beyond are taken for the ends.
/// Returns y [N, d] and log |dy/dx| [N, d]; with `inverse`, x is the y of the forward map. In
/// float32 or float64, differentiable in both arguments; one fused pass each way on the CPU.
std::pair<Tensor, Tensor> rational_quadratic(const Tensor& x, const Tensor& parameters,
                                             double bound, bool inverse);

/// The same as a composition of ATen's operators.
std::pair<Tensor, Tensor> rational_quadratic_plain(const Tensor& x, const Tensor& parameters,
                                                   double bound, bool inverse);

}  // namespace pushforward
