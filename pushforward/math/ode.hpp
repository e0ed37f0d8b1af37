#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

namespace pushforward {

using at::Tensor;

/// dy/dt at y [B, ...] and t [B] (float64), y's shape.
using VectorField = std::function<Tensor(const Tensor& t, const Tensor& y)>;

struct OdeTolerance {
    double relative = 1e-5, absolute = 1e-5;
    std::int64_t most_steps = 10000;
};

/// Integrates from t = `from` to `to` by Dormand & Prince's embedded pair of orders 5 and 4 (1980).
/// Each row has its own step size, so that its answer doesn't depend on the batch around it: the
/// root mean square over the event of error / (absolute + relative max(|y|, |y'|)) is at most 1 in
/// every accepted step. Differentiable. NumericalError when a row needs more than `most_steps` or
/// its error is not finite.
Tensor dormand_prince(const VectorField& f, Tensor y, double from, double to,
                      const OdeTolerance& tolerance = {});

}  // namespace pushforward
