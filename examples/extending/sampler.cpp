// A solver of your own for every model that denoises.
#include "pushforward/families/diffusion/flow_matching.hpp"
#include "pushforward/samplers/solvers.hpp"
#include "pushforward/samplers/time_grid.hpp"

#include <doctest/doctest.h>
#include <torch/types.h>

#include <cmath>

namespace {

using namespace pushforward;

// [sampler]
/// The midpoint rule on the probability-flow ODE dx/dt = alpha'(t) x0 + sigma'(t) eps, where
/// eps = (x - alpha x0) / sigma: order 2, two evaluations a step, never asked at t = 0.
Tensor midpoint(const Denoise& denoise, const Path& path, Tensor x,
                const std::vector<double>& times) {
    const auto slope = [&](const Tensor& at, double t) {
        const LevelAt level = level_at(path, t);
        const Tensor x0 = denoise_at(denoise, at, t);
        return level.alpha_slope * x0 + level.sigma_slope / level.sigma * (at - level.alpha * x0);
    };
    for (std::size_t i = 0; i + 1 < times.size(); ++i) {
        const double t = times[i], h = times[i + 1] - t;
        x = x + h * slope(x + h / 2 * slope(x, t), t + h / 2);
    }
    return x;
}
// [sampler]

/// Data 1/2 N(-1, 1/4) + 1/2 N(1, 1/4) on the straight path; with a = 1 - t and the variance
/// v = a^2 / 4 + t^2 of each mode at t, E[x0 | x] = a x / (4 v) + (1 - a^2 / (4 v)) tanh(a x / v).
Tensor solve_with(std::int64_t steps) {
    const auto path = straight_path();
    const Denoise denoise = [](const Tensor& x, const Tensor& time) {
        const Tensor t = time.unsqueeze(1), a = 1 - t, v = a * a / 4 + t * t;
        return a / (4 * v) * x + (1 - a * a / (4 * v)) * (a / v * x).tanh();
    };
    const Tensor noise = Rng(1).normal({100, 1}, at::kDouble);
    return midpoint(denoise, *path, noise, time_grid(*path, Grid::uniform, steps));
}

TEST_CASE("a solver of one's own has the order that it declares") {
    const Tensor fine = solve_with(2560);
    const auto error = [&](std::int64_t steps) {
        return (solve_with(steps) - fine).abs().median().item<double>();
    };
    CHECK(std::log2(error(80) / error(160)) == doctest::Approx(2).epsilon(0.1));
}

}  // namespace
