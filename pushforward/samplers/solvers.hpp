#pragma once

#include "pushforward/core/model.hpp"

#include <functional>
#include <vector>

namespace pushforward {

/// E[x0 | x_t = x] at one time for every row.
using Denoise = std::function<Tensor(const Tensor& x, double t)>;

// Solvers carry x from times.front() to times.back() and ask `denoise` at every time but the last
// (heun also at the end of each step, except at t = 0). A step that ends at t = 0 returns the
// denoised item. x is [B, event...]; noise comes from `rng` row by row.

/// x_s = alpha_s x0 + sqrt(sigma_s^2 - v) eps + sqrt(v) z with v = eta^2 (sigma_s^2 / sigma_t^2)
/// (sigma_t^2 - (alpha_t / alpha_s)^2 sigma_s^2): DDIM (Song et al. 2020, eq. 12 and 16).
Tensor ddim(const Denoise& denoise, const Path& path, Tensor x, const std::vector<double>& times,
            double eta, Rng& rng);
/// Draws from the posterior q(x_s | x_t, x0) at each step (Ho et al. 2020, eq. 7): ddim, eta = 1.
Tensor ancestral(const Denoise& denoise, const Path& path, Tensor x,
                 const std::vector<double>& times, Rng& rng);
/// Euler's method on the probability-flow ODE dx/dt = alpha'(t) x0 + sigma'(t) eps; order 1.
Tensor euler(const Denoise& denoise, const Path& path, Tensor x, const std::vector<double>& times);
/// Heun's method on the same ODE; order 2, two evaluations a step (Karras et al. 2022, alg. 1).
Tensor heun(const Denoise& denoise, const Path& path, Tensor x, const std::vector<double>& times);

}  // namespace pushforward
