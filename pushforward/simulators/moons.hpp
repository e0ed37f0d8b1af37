#pragma once

#include "pushforward/base/fields.hpp"
#include "pushforward/core/simulator.hpp"

#include <memory>

namespace pushforward {

/// `sim:moons`: a point uniform on one of two half circles of radius 1, the upper one around
/// (0, 0), the lower one around (1, 0.5), plus N(0, noise^2 I).
struct MoonsOptions : Options {
    double noise = 0.1;
    bool labels = false;  ///< condition `label`: 0 upper, 1 lower
    void visit(Fields& f) override;
};

/// The density is an integral over the arc without a closed form; it is computed in float64 by
/// Gauss-Legendre quadrature on panels that shrink towards the nearest point: relative error 1e-10.
std::unique_ptr<Simulator> make_moons(const MoonsOptions& options);

}  // namespace pushforward
