#pragma once

#include "pushforward/bijections/transformer.hpp"

namespace pushforward {

/// x - 2 pi n in [-pi, pi), up to the rounding of x's type.
Tensor wrapped(const Tensor& angle);

/// An angle x -> wrapped(f(wrapped(x)) + s): f a monotone rational-quadratic spline from the circle
/// to itself with f(pi) = pi and the same slope at both ends, so that the map and its slope have no
/// seam, and s a turn (Rezende et al. 2020). The slope's own slope may jump at a knot,
/// as any such spline's does. 3 `bins` + 1 parameters; networks hear cos and sin of angles.
std::unique_ptr<Transformer> make_circular_spline(std::int64_t bins);

}  // namespace pushforward
