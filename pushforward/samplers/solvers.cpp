#include "pushforward/samplers/solvers.hpp"

#include "pushforward/samplers/time_grid.hpp"

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <cmath>

namespace pushforward {
namespace {

/// dx/dt = alpha'(t) x0 + sigma'(t) eps with eps = (x - alpha x0) / sigma.
Tensor velocity(const LevelAt& at, const Tensor& x, const Tensor& x0) {
    const double ratio = at.sigma_slope / at.sigma;
    return ratio * x + (at.alpha_slope - ratio * at.alpha) * x0;
}

Tensor ode(const Denoise& denoise, const Path& path, Tensor x, const std::vector<double>& times,
           bool second_order) {
    for (std::size_t i = 0; i + 1 < times.size(); ++i) {
        const double t = times[i], s = times[i + 1];
        const Tensor x0 = denoise(x, t);
        if (s == 0) {
            x = x0;
            continue;
        }
        const Tensor slope = velocity(level_at(path, t), x, x0);
        Tensor next = x + (s - t) * slope;
        if (second_order) {
            const Tensor end = velocity(level_at(path, s), next, denoise(next, s));
            next = x + (s - t) / 2 * (slope + end);
        }
        x = next;
    }
    return x;
}

}  // namespace

Tensor ddim(const Denoise& denoise, const Path& path, Tensor x, const std::vector<double>& times,
            double eta, Rng& rng) {
    for (std::size_t i = 0; i + 1 < times.size(); ++i) {
        const Tensor x0 = denoise(x, times[i]);
        if (times[i + 1] == 0) {
            x = x0;
            continue;
        }
        const LevelAt t = level_at(path, times[i]), s = level_at(path, times[i + 1]);
        const Tensor eps = (x - t.alpha * x0) / t.sigma;
        // The variance of q(x_s | x_t, x0).
        const double kept = t.alpha / s.alpha * s.sigma / t.sigma;
        const double v = eta * eta * s.sigma * s.sigma * std::max(0.0, 1 - kept * kept);
        x = s.alpha * x0 + std::sqrt(std::max(0.0, s.sigma * s.sigma - v)) * eps;
        if (v > 0)
            x = x +
                std::sqrt(v) * rng.normal(x.sizes(),
                                          x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat,
                                          x.device());
    }
    return x;
}

Tensor ancestral(const Denoise& denoise, const Path& path, Tensor x,
                 const std::vector<double>& times, Rng& rng) {
    return ddim(denoise, path, std::move(x), times, 1, rng);
}

Tensor euler(const Denoise& denoise, const Path& path, Tensor x, const std::vector<double>& times) {
    return ode(denoise, path, std::move(x), times, false);
}

Tensor heun(const Denoise& denoise, const Path& path, Tensor x, const std::vector<double>& times) {
    return ode(denoise, path, std::move(x), times, true);
}

}  // namespace pushforward
