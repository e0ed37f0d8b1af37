#pragma once

#include "pushforward/core/model.hpp"

#include <functional>
#include <string>
#include <vector>

namespace pushforward {

/// E[x0 | x_t = x], a time for each row, float64 [B], or one for all, [1].
using Denoise = std::function<Denoised(const Tensor& x, const Tensor& t)>;
/// The same with one time for every row.
Denoised denoise_at(const Denoise& denoise, const Tensor& x, double t);

// Solvers carry x from times.front() to times.back() and ask `denoise` at every time but the last;
// those of higher order ask it in between, too. A step that ends at t = 0 returns the denoised
// item; one that begins or ends where alpha = 0 is ddim's. Times that rise from above 0 carry x
// from data to noise, for the solvers that add none. x is [B, event...]; noise comes from `rng` row
// by row. sigma^ = sigma / alpha, lambda = -log sigma^ and h = lambda_s - lambda_t for a step from
// t to s.

/// x_s = alpha_s x0 + sqrt(sigma_s^2 - v) eps + sqrt(v) z with v = eta^2 (sigma_s^2 / sigma_t^2)
/// (sigma_t^2 - (alpha_t / alpha_s)^2 sigma_s^2): DDIM (Song et al. 2020, eq. 12 and 16). Order 1.
Tensor ddim(const Denoise& denoise, const Path& path, Tensor x, const std::vector<double>& times,
            double eta, Rng& rng);
/// Draws from the posterior q(x_s | x_t, x0) at each step (Ho et al. 2020, eq. 7): ddim, eta = 1.
/// Where the variance V of x0 is learnt, m^2 V is added to v, m x0 being what x0 gives to the mean
/// of x_s: the optimal variance (Bao et al. 2022).
Tensor ancestral(const Denoise& denoise, const Path& path, Tensor x,
                 const std::vector<double>& times, Rng& rng);
/// Euler's method on the probability-flow ODE dx/dt = alpha'(t) x0 + sigma'(t) eps; order 1.
Tensor euler(const Denoise& denoise, const Path& path, Tensor x, const std::vector<double>& times);
/// Heun's method on the same ODE; order 2, two evaluations a step (Karras et al. 2022, alg. 1).
Tensor heun(const Denoise& denoise, const Path& path, Tensor x, const std::vector<double>& times);
/// The same ODE by an embedded Runge-Kutta pair of orders 5 and 4 from times.front() to
/// times.back() (t_min where that is 0) to a relative and absolute `tolerance`, each row with its
/// own steps; the times between are ignored.
Tensor adaptive(const Denoise& denoise, const Path& path, Tensor x,
                const std::vector<double>& times, double tolerance);
/// DPM-Solver-2 and -3 (Lu et al. 2022a, alg. 1 and 2): orders 2 and 3 with two and three
/// evaluations a step, at 1/2 and at 1/3 and 2/3 of the step in lambda.
Tensor dpm_solver_2(const Denoise& denoise, const Path& path, Tensor x,
                    const std::vector<double>& times);
Tensor dpm_solver_3(const Denoise& denoise, const Path& path, Tensor x,
                    const std::vector<double>& times);
/// DPM-Solver++(2M) (Lu et al. 2022b, alg. 2): order 2 with one evaluation a step.
Tensor dpm_solver_pp_2m(const Denoise& denoise, const Path& path, Tensor x,
                        const std::vector<double>& times);

/// Noise that edm_stochastic adds: min(amount / steps, sqrt(2) - 1) of sigma^ where that is in
/// [low, high], with deviation `noise` (Karras et al. 2022: S_churn, S_tmin, S_tmax, S_noise).
struct Churn {
    double amount = 40, low = 0, high = 1e30, noise = 1;
};
/// Before each of Heun's steps goes back to a higher noise level (Karras et al. 2022, alg. 2).
Tensor edm_stochastic(const Denoise& denoise, const Path& path, Tensor x,
                      const std::vector<double>& times, const Churn& churn, Rng& rng);
/// The reverse SDE dx = (f x - g^2 score) dt + g dW with f = alpha'/alpha and g^2 = 2 sigma^2
/// (sigma'/sigma - f) (Anderson 1982; Song et al. 2021, eq. 6) by Euler and Maruyama's method.
Tensor euler_maruyama(const Denoise& denoise, const Path& path, Tensor x,
                      const std::vector<double>& times, Rng& rng);
/// An ancestral step, then `corrections` steps of Langevin's dynamics at the new noise level, of
/// size 2 (ratio sigma)^2 (Song et al. 2021, alg. 4 and 5, with |z| / |score| at its expected value
/// sigma, so that the step does not depend on x).
Tensor predictor_corrector(const Denoise& denoise, const Path& path, Tensor x,
                           const std::vector<double>& times, std::int64_t corrections, double ratio,
                           Rng& rng);

/// `corrections` steps of Langevin's dynamics of size 2 (ratio sigma)^2 at each time, and nothing
/// else but the path's scale between them (Song & Ermon 2019, alg. 1).
Tensor annealed_langevin(const Denoise& denoise, const Path& path, Tensor x,
                         const std::vector<double>& times, std::int64_t corrections, double ratio,
                         Rng& rng);

/// What solvers can be told.
struct SolverSettings {
    double eta = 0;
    Churn churn = {};
    std::int64_t corrections = 1;
    double ratio = 0.16;
    double tolerance = 1e-4;
};
struct SolverEntry {
    std::string name, summary;
    std::function<Tensor(const Denoise&, const Path&, Tensor x, const std::vector<double>& times,
                         const SolverSettings&, Rng&)>
        solve;
    bool random = false;  ///< whether it adds noise with eta = 0, too
};
/// Every solver: THE list (samplers/solvers.cpp).
const std::vector<SolverEntry>& solver_catalogue();
/// The entry of that name; UsageError with the nearest name when there is none.
const SolverEntry& solver_entry(const std::string& name);

}  // namespace pushforward
