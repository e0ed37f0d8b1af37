#include "pushforward/core/rowwise.hpp"
#include "pushforward/math/ode.hpp"
#include "pushforward/samplers/solvers.hpp"
#include "pushforward/samplers/time_grid.hpp"

#include <ATen/TensorOperators.h>

#include <cmath>

namespace pushforward {
namespace {

/// dx/dt = alpha'(t) x0 + sigma'(t) eps with eps = (x - alpha x0) / sigma.
Tensor velocity(const LevelAt& at, const Tensor& x, const Tensor& x0) {
    const double ratio = at.sigma_slope / at.sigma;
    return ratio * x + (at.alpha_slope - ratio * at.alpha) * x0;
}

/// One step of DDIM without noise, which is the first-order step in lambda, exact for constant x0.
Tensor first_order(const LevelAt& t, const LevelAt& s, const Tensor& x, const Tensor& x0) {
    return s.sigma / t.sigma * x + (s.alpha - s.sigma / t.sigma * t.alpha) * x0;
}

double lambda(const LevelAt& at) {
    return std::log(at.alpha / at.sigma);
}

/// Runs `step(from, to, x, x0)`, from one level to the next, over the grid, with the ends that all
/// solvers share.
template <class Step>
Tensor over_grid(const Denoise& denoise, const Path& path, Tensor x,
                 const std::vector<double>& times, Step step) {
    for (std::size_t i = 0; i + 1 < times.size(); ++i) {
        const double t = times[i], s = times[i + 1];
        const Tensor x0 = denoise_at(denoise, x, t);
        if (s == 0) {
            x = x0;
            continue;
        }
        const LevelAt from = level_at(path, t), to = level_at(path, s);
        const bool at_noise = from.alpha == 0 || to.alpha == 0;
        x = at_noise ? first_order(from, to, x, x0) : step(from, to, x, x0);
    }
    return x;
}

/// The time at a fraction of a step in lambda, and its level.
struct Between {
    double time;
    LevelAt at;
};
Between between(const Path& path, const LevelAt& t, const LevelAt& s, double fraction) {
    const double time = time_at_log_snr(path, lambda(t) + fraction * (lambda(s) - lambda(t)));
    return {time, level_at(path, time)};
}

Tensor epsilon(const LevelAt& at, const Tensor& x, const Tensor& x0) {
    return (x - at.alpha * x0) / at.sigma;
}

}  // namespace

Tensor euler(const Denoise& denoise, const Path& path, Tensor x, const std::vector<double>& times) {
    for (std::size_t i = 0; i + 1 < times.size(); ++i) {
        const double t = times[i], s = times[i + 1];
        const Tensor x0 = denoise_at(denoise, x, t);
        x = s == 0 ? x0 : x + (s - t) * velocity(level_at(path, t), x, x0);
    }
    return x;
}

Tensor heun(const Denoise& denoise, const Path& path, Tensor x, const std::vector<double>& times) {
    for (std::size_t i = 0; i + 1 < times.size(); ++i) {
        const double t = times[i], s = times[i + 1];
        const Tensor x0 = denoise_at(denoise, x, t);
        if (s == 0) {
            x = x0;
            continue;
        }
        const Tensor slope = velocity(level_at(path, t), x, x0);
        const Tensor next = x + (s - t) * slope;
        const Tensor end = velocity(level_at(path, s), next, denoise_at(denoise, next, s));
        x = x + (s - t) / 2 * (slope + end);
    }
    return x;
}

Tensor adaptive(const Denoise& denoise, const Path& path, Tensor x,
                const std::vector<double>& times, double tolerance) {
    const auto slope = [&](const Tensor& t, const Tensor& y) {
        const Level level = path.at(t), rate = path.derivative(t);
        const Tensor ratio = rate.sigma / level.sigma;
        return rowwise(ratio, y) * y + rowwise(rate.alpha - ratio * level.alpha, y) * denoise(y, t);
    };
    const double end = times.back() == 0 ? path.t_min() : times.back();
    x = dormand_prince(slope, x, times.front(), end, {tolerance, tolerance});
    return times.back() == 0 ? denoise_at(denoise, x, end).x0 : x;
}

Tensor dpm_solver_2(const Denoise& denoise, const Path& path, Tensor x,
                    const std::vector<double>& times) {
    return over_grid(
        denoise, path, x, times,
        [&](const LevelAt& from, const LevelAt& to, const Tensor& at_t, const Tensor& x0) {
            const Between half = between(path, from, to, 0.5);
            const Tensor u = first_order(from, half.at, at_t, x0);
            const Tensor eps = epsilon(half.at, u, denoise_at(denoise, u, half.time));
            const double h = lambda(to) - lambda(from);
            return to.alpha / from.alpha * at_t - to.sigma * std::expm1(h) * eps;
        });
}

Tensor dpm_solver_3(const Denoise& denoise, const Path& path, Tensor x,
                    const std::vector<double>& times) {
    constexpr double r1 = 1. / 3, r2 = 2. / 3;
    return over_grid(
        denoise, path, x, times,
        [&](const LevelAt& from, const LevelAt& to, const Tensor& at_t, const Tensor& x0) {
            const Between one = between(path, from, to, r1), two = between(path, from, to, r2);
            const double h = lambda(to) - lambda(from);
            const Tensor eps = epsilon(from, at_t, x0);
            const Tensor u1 = first_order(from, one.at, at_t, x0);
            const Tensor d1 = epsilon(one.at, u1, denoise_at(denoise, u1, one.time)) - eps;
            const Tensor u2 = first_order(from, two.at, at_t, x0) -
                              two.at.sigma * r2 / r1 * (std::expm1(r2 * h) / (r2 * h) - 1) * d1;
            const Tensor d2 = epsilon(two.at, u2, denoise_at(denoise, u2, two.time)) - eps;
            return first_order(from, to, at_t, x0) - to.sigma / r2 * (std::expm1(h) / h - 1) * d2;
        });
}

Tensor dpm_solver_pp_2m(const Denoise& denoise, const Path& path, Tensor x,
                        const std::vector<double>& times) {
    Tensor before;  // x0 of the step before
    double h_before = 0;
    return over_grid(
        denoise, path, x, times,
        [&](const LevelAt& from, const LevelAt& to, const Tensor& at_t, const Tensor& x0) {
            const double h = lambda(to) - lambda(from), ratio = h / (2 * h_before);
            const Tensor d = before.defined() ? (1 + ratio) * x0 - ratio * before : x0;
            before = x0;
            h_before = h;
            return first_order(from, to, at_t, d);
        });
}

}  // namespace pushforward
