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
        const Tensor x0 = denoise(at, t);
        return level.alpha_slope * x0 + level.sigma_slope / level.sigma * (at - level.alpha * x0);
    };
    for (std::size_t i = 0; i + 1 < times.size(); ++i) {
        const double t = times[i], h = times[i + 1] - t;
        x = x + h * slope(x + h / 2 * slope(x, t), t + h / 2);
    }
    return x;
}
// [sampler]

/// Data N(0, 4) on the straight path: E[x0 | x] is linear, and the ODE keeps the quantile, so that
/// x(0) = 2 x(1).
double error_with(std::int64_t steps) {
    const auto path = straight_path();
    const Denoise denoise = [](const Tensor& x, double t) {
        return x * (4 * (1 - t) / (4 * (1 - t) * (1 - t) + t * t));
    };
    const Tensor noise = Rng(1).normal({100, 1}, at::kDouble);
    const Tensor x = midpoint(denoise, *path, noise, time_grid(*path, Grid::uniform, steps));
    return (x - 2 * noise).abs().max().item<double>();
}

TEST_CASE("a solver of one's own has the order that it declares") {
    const double order = std::log2(error_with(40) / error_with(80));
    CHECK(order == doctest::Approx(2).epsilon(0.1));
}

}  // namespace
