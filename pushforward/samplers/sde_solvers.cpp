#include "pushforward/samplers/langevin.hpp"
#include "pushforward/samplers/solvers.hpp"
#include "pushforward/samplers/time_grid.hpp"

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <cmath>

namespace pushforward {
namespace {

Tensor score_of(const LevelAt& at, const Tensor& x, const Tensor& x0) {
    return (at.alpha * x0 - x) / (at.sigma * at.sigma);
}

/// n Langevin steps of size 2 (ratio sigma)^2 at the noise level of time t.
Tensor corrected(const Denoise& denoise, const Path& path, const Tensor& x, double t,
                 std::int64_t n, double ratio, Rng& rng) {
    const LevelAt at = level_at(path, t);
    const double step = 2 * ratio * ratio * at.sigma * at.sigma;
    return langevin([&](const Tensor& y) { return score_of(at, y, denoise_at(denoise, y, t)); }, x,
                    step, n, rng);
}

/// From x at time `from` to `to`: DDIM's step with the noise of `eta` and what a learnt variance
/// adds to it.
Tensor step(const Denoised& item, const Path& path, const Tensor& x, double from, double to,
            double eta, Rng& rng) {
    if (to == 0) return item.x0;
    const LevelAt t = level_at(path, from), s = level_at(path, to);
    const Tensor eps = (x - t.alpha * item.x0) / t.sigma;
    // The variance of q(x_s | x_t, x0).
    const double kept = t.alpha / s.alpha * s.sigma / t.sigma;
    const double v = eta * eta * s.sigma * s.sigma * std::max(0.0, 1 - kept * kept);
    const double of_eps = std::sqrt(std::max(0.0, s.sigma * s.sigma - v));
    const Tensor mean = s.alpha * item.x0 + of_eps * eps;
    if (item.variance.defined()) {
        const double of_x0 = s.alpha - of_eps * t.alpha / t.sigma;
        return mean + (v + of_x0 * of_x0 * item.variance).sqrt() * normal_like(x, rng);
    }
    return v > 0 ? mean + std::sqrt(v) * normal_like(x, rng) : mean;
}

}  // namespace

Tensor ddim(const Denoise& denoise, const Path& path, Tensor x, const std::vector<double>& times,
            double eta, Rng& rng) {
    for (std::size_t i = 0; i + 1 < times.size(); ++i)
        x = step(denoise_at(denoise, x, times[i]).x0, path, x, times[i], times[i + 1], eta, rng);
    return x;
}

Tensor ancestral(const Denoise& denoise, const Path& path, Tensor x,
                 const std::vector<double>& times, Rng& rng) {
    for (std::size_t i = 0; i + 1 < times.size(); ++i)
        x = step(denoise_at(denoise, x, times[i]), path, x, times[i], times[i + 1], 1, rng);
    return x;
}

Tensor edm_stochastic(const Denoise& denoise, const Path& path, Tensor x,
                      const std::vector<double>& times, const Churn& churn, Rng& rng) {
    const LevelAt noise = level_at(path, path.t_max());
    const double highest = -std::log(noise.sigma / noise.alpha);
    const double gamma =
        std::min(churn.amount / static_cast<double>(times.size() - 1), std::sqrt(2.0) - 1);
    for (std::size_t i = 0; i + 1 < times.size(); ++i) {
        double t = times[i];
        const LevelAt at = level_at(path, t);
        const double sigma = at.sigma / at.alpha;
        if (churn.low <= sigma && sigma <= churn.high && times[i + 1] > 0 && at.alpha > 0) {
            const double lambda = std::max(highest, -std::log(sigma * (1 + gamma)));
            const double higher = std::exp(-lambda);
            const double back = time_at_log_snr(path, lambda);
            const double added = std::sqrt(std::max(0.0, higher * higher - sigma * sigma));
            x = level_at(path, back).alpha *
                (x / at.alpha + added * churn.noise * normal_like(x, rng));
            t = back;
        }
        x = heun(denoise, path, x, {t, times[i + 1]});
    }
    return x;
}

Tensor euler_maruyama(const Denoise& denoise, const Path& path, Tensor x,
                      const std::vector<double>& times, Rng& rng) {
    for (std::size_t i = 0; i + 1 < times.size(); ++i) {
        const double t = times[i], dt = times[i + 1] - t;
        const LevelAt at = level_at(path, t);
        if (times[i + 1] == 0 || at.alpha == 0) {
            x = ddim(denoise, path, x, {t, times[i + 1]}, 0, rng);
            continue;
        }
        const double f = at.alpha_slope / at.alpha;
        const double g2 = 2 * at.sigma * at.sigma * (at.sigma_slope / at.sigma - f);
        const Tensor score = score_of(at, x, denoise_at(denoise, x, t));
        x = x + dt * (f * x - g2 * score) + std::sqrt(-dt * g2) * normal_like(x, rng);
    }
    return x;
}

Tensor predictor_corrector(const Denoise& denoise, const Path& path, Tensor x,
                           const std::vector<double>& times, std::int64_t corrections, double ratio,
                           Rng& rng) {
    for (std::size_t i = 0; i + 1 < times.size(); ++i) {
        const double s = times[i + 1];
        x = ancestral(denoise, path, x, {times[i], s}, rng);
        if (s == 0) break;
        x = corrected(denoise, path, x, s, corrections, ratio, rng);
    }
    return x;
}

Tensor annealed_langevin(const Denoise& denoise, const Path& path, Tensor x,
                         const std::vector<double>& times, std::int64_t corrections, double ratio,
                         Rng& rng) {
    for (std::size_t i = 0; i + 1 < times.size(); ++i) {
        const double t = times[i], s = times[i + 1];
        const double alpha = level_at(path, t).alpha;
        if (s == 0 || alpha == 0) {
            x = ddim(denoise, path, x, {t, s}, 0, rng);
            continue;
        }
        x = corrected(denoise, path, x, t, corrections, ratio, rng);
        x = level_at(path, s).alpha / alpha * x;
    }
    return x;
}

}  // namespace pushforward
