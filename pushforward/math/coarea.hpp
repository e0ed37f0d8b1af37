#pragma once

#include "pushforward/math/area.hpp"

namespace pushforward {

struct FibreOptions {
    double radius = 9;  ///< what p has outside of |z| <= radius doesn't count
    double spacing =
        0.25;  ///< of the points kept on a fibre: closed ones are at least twice as long
    double tolerance = 1e-11;  ///< of the ODE along a fibre
    double longest = 1000;     ///< length of a fibre in the ball; more is a NumericalError
    PreimageOptions points = {};
};

/// The log-density of x = map(z), [N, d] -> float64 [N], for k = d + 1 latent numbers, by the
/// coarea formula (Federer 1969, 3.2.11): the integral over the fibre {map(z) = x}, a curve, of
/// p(z) / sqrt(det(J J^T)) along its length. Each piece of the fibre that a start [S, k] is led to
/// is followed by an ODE, both ways out of the ball or once around, and counts once; pieces that
/// are nowhere 1e-6 apart are one. -infinity where no piece is found.
Tensor coarea_log_density(const Map& map, const LogDensity& log_p, const Tensor& x,
                          const Tensor& starts, const FibreOptions& options = {});

}  // namespace pushforward
