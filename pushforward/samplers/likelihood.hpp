#pragma once

#include "pushforward/math/divergence.hpp"
#include "pushforward/samplers/solvers.hpp"

#include <memory>

namespace pushforward {

// log-densities of what a denoiser generates, in nats, [B] float64. x is [B, event...], D numbers.

/// By the probability-flow ODE dx/dt = f (Chen et al. 2018, eq. 8; Song et al. 2021, eq. 39):
///   log p(x) = log N(x_T; 0, sigma_T^2) + int_{t_min}^{T} div f dt + D log alpha(t_min),
/// integrated in float64 from alpha(t_min) x at t_min to t_max, each row to `tolerance`. The
/// divergence costs D backward passes an evaluation, or with Hutchinson's unbiased estimate one,
/// along a vector of random signs that is drawn once a row (Grathwohl et al. 2019). The density is
/// that of the ODE's answer: an estimate as good as the denoiser's score and the tolerance.
Tensor ode_log_prob(const Denoise& denoise, const Path& path, const Tensor& x, Trace trace,
                    double tolerance, Rng& rng);

/// What the reverse chain adds at a step: the variance of the posterior q(x_s | x_t, x0), or that
/// of the forward step, beta = sigma_t^2 - (alpha_t / alpha_s)^2 sigma_s^2 (Ho et al. 2020,
/// sec. 3.2), or the posterior's and what the learnt variance of x0 adds to it (Bao et al. 2022).
enum class ReverseVariance { posterior, forward, learned };

/// The variational bound's terms (Ho et al. 2020, eq. 5), [B] each, nats: log p(x) is at least
/// -(prior + steps + decoder).
struct VariationalBound {
    Tensor prior;    ///< L_T = KL(q(x_T | x0) || N(0, sigma_T^2))
    Tensor steps;    ///< sum of L_{t-1} = KL(q(x_s | x_t, x0) || p(x_s | x_t))
    Tensor decoder;  ///< L_0 = -E log N(x0; E[x0 | x_1], sigma_1^2 or the learnt variance)
    Tensor log_prob() const { return -(prior + steps + decoder); }
};
/// Of the chain over `times` (falling, the last is 0). One draw of the noise a term; with fewer
/// `evaluations` than steps, one step of each of so many equal parts stands for its part, drawn row
/// by row: unbiased.
VariationalBound variational_bound(const Denoise& denoise, const Path& path, const Tensor& x,
                                   const std::vector<double>& times, ReverseVariance variance,
                                   std::int64_t evaluations, Rng& rng);

/// A denoiser's densities by name: "ode" (exact trace up to 32 numbers an item, Hutchinson's
/// above), "ode_exact", "ode_hutchinson", "bound", "bound_forward" and, where the variance is
/// learnt, "bound_learned" (all steps of a discrete path or 1000 even in log-SNR; for items of more
/// than 64 numbers a hundred of them, drawn). `model` must outlive it.
std::unique_ptr<Density> make_denoiser_density(const Denoiser& model);

}  // namespace pushforward
