#include "gaussian_truth.hpp"
#include "pushforward/families/diffusion/ddpm.hpp"
#include "pushforward/families/diffusion/edm.hpp"
#include "pushforward/families/diffusion/flow_matching.hpp"
#include "pushforward/samplers/guidance.hpp"
#include "pushforward/samplers/likelihood.hpp"
#include "pushforward/samplers/time_grid.hpp"

#include <ATen/ops/cat.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/tensor.h>
#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

using namespace pushforward;
using testing::MixtureDenoiser;
using testing::VpPath;

namespace {

const double kEntropy = 0.5 * std::log(2 * std::numbers::pi * std::numbers::e);  // 1.41894

/// log density of the normals +-N(1.5, .3^2) after the noise of t_min, [B, 1] -> [B].
Tensor exact_log_prob(const Tensor& x, const Path& path) {
    const LevelAt least = level_at(path, path.t_min());
    const double variance = 0.09 + std::pow(least.sigma / least.alpha, 2);
    const auto normal = [&](double mean) {
        return std::log(0.5) - 0.5 * std::log(2 * std::numbers::pi * variance) -
               0.5 * (x - mean).square() / variance;
    };
    return at::logsumexp(at::stack({normal(-1.5), normal(1.5)}), 0).squeeze(1);
}

}  // namespace

TEST_CASE("the probability-flow ODE gives the density of a mixture") {
    const Tensor x = at::linspace(-2.5, 2.5, 41, at::kDouble).unsqueeze(1);
    const auto check = [&](const Path& path, double near) {
        const MixtureDenoiser truth(path, {{0.5, -1.5, 0.3}, {0.5, 1.5, 0.3}});
        const Denoise denoise = guided(truth, {}, {});
        Rng rng(1);
        const Tensor exact = exact_log_prob(x, path);
        const Tensor by_trace = ode_log_prob(denoise, path, x, Trace::exact, 1e-8, rng);
        CHECK((by_trace - exact).abs().max().item<double>() < near);
        // In one dimension Hutchinson's estimate is exact.
        const Tensor by_signs = ode_log_prob(denoise, path, x, Trace::hutchinson, 1e-8, rng);
        CHECK((by_signs - by_trace).abs().max().item<double>() < 1e-9);
    };
    // What is left is that the path's end is not quite N(0, sigma^2): second order in alpha /
    // sigma.
    check(VpPath(), 1e-3);
    check(*edm_path(0.5, 1e-4, 1e4), 1e-6);
    check(*straight_path(), 1e-6);
}

TEST_CASE("Hutchinson's trace is unbiased") {
    // E[x0 | x] of correlated normals is not diagonal: two dimensions, covariance [[1, .8], [.8,
    // 1]]
    const auto path = edm_path(0.5, 1e-3, 80);
    const Denoise denoise = [](const Tensor& x, const Tensor& t) {
        const Tensor v = t.square().unsqueeze(1);  // in the eigenbasis: 1.8 and 0.2
        const Tensor plus = (x.select(1, 0) + x.select(1, 1)).unsqueeze(1) / 2;
        const Tensor minus = (x.select(1, 0) - x.select(1, 1)).unsqueeze(1) / 2;
        const Tensor p = 1.8 / (1.8 + v) * plus, m = 0.2 / (0.2 + v) * minus;
        return at::cat({p + m, p - m}, 1);
    };
    const Tensor point = at::tensor({0.5, -0.3}, at::kDouble).expand({1000, 2});
    Rng rng(3);
    const Tensor one = ode_log_prob(denoise, *path, point.slice(0, 0, 1), Trace::exact, 1e-7, rng);
    const double det = 0.36, quadratic = (0.25 + 0.09 + 2 * 0.8 * 0.15) / det;
    const double truth = -std::log(2 * std::numbers::pi) - 0.5 * std::log(det) - 0.5 * quadratic;
    CHECK(std::abs(one.item<double>() - truth) < 1e-3);
    const Tensor many = ode_log_prob(denoise, *path, point, Trace::hutchinson, 1e-5, rng);
    CHECK(many.std().item<double>() > 0.1);
    // four standard errors: one false alarm in 15,000
    CHECK(std::abs(many.mean().item<double>() - one.item<double>()) <
          4 * many.std().item<double>() / std::sqrt(1000.0));
}

TEST_CASE("the variational bound of a normal is exact with the forward variance") {
    const Tensor x = Rng(5).normal({5000, 1}, at::kDouble);
    for (std::int64_t steps : {10, 1000}) {
        CAPTURE(steps);
        const auto path = ddpm_path(BetaSchedule::linear, steps, Prediction::epsilon);
        const MixtureDenoiser truth(*path, {{1, 0, 1}});
        const auto times = time_grid(*path, Grid::uniform, steps);
        Rng rng(2);
        const auto nats = [&](ReverseVariance variance, std::int64_t terms) {
            return -variational_bound(guided(truth, {}, {}), *path, x, times, variance, terms, rng)
                        .log_prob();
        };
        const Tensor forward = nats(ReverseVariance::forward, steps);
        const double error = forward.std().item<double>() / std::sqrt(5000.0);
        CHECK(error < 0.03);
        CHECK(std::abs(forward.mean().item<double>() - kEntropy) < 4 * error);
        const Tensor few = nats(ReverseVariance::forward, steps / 10);
        CHECK(std::abs(few.mean().item<double>() - kEntropy) <
              5 * few.std().item<double>() / std::sqrt(5000.0));
        if (steps < 1000) continue;
        const Tensor posterior = nats(ReverseVariance::posterior, steps);
        CHECK(std::abs(posterior.mean().item<double>() - (kEntropy + 0.4649)) < 4 * error + 5e-5);
    }
}

TEST_CASE("with the variance of x0 the bound of any normal is its entropy") {
    // The reverse chain of normal data is normal: with its own variance nothing is lost but the
    // prior's term.
    const double deviation = 0.5;
    const Tensor x = deviation * Rng(5).normal({5000, 1}, at::kDouble);
    for (std::int64_t steps : {10, 1000}) {
        CAPTURE(steps);
        const auto path = ddpm_path(BetaSchedule::linear, steps, Prediction::epsilon);
        const auto times = time_grid(*path, Grid::uniform, steps);
        const MixtureDenoiser truth(*path, {{1, 0, deviation}}, true);
        const auto nats = [&](ReverseVariance variance) {
            Rng rng(2);
            return -variational_bound(guided(truth, {}, {}), *path, x, times, variance, steps, rng)
                        .log_prob();
        };
        const Tensor learned = nats(ReverseVariance::learned);
        const double error = learned.std().item<double>() / std::sqrt(5000.0);
        CHECK(error < 0.03);
        CHECK(std::abs(learned.mean().item<double>() - kEntropy - std::log(deviation)) < 4 * error);
        for (auto fixed : {ReverseVariance::posterior, ReverseVariance::forward})
            CHECK((nats(fixed) - learned).mean().item<double>() > 5e-4);
        const auto density = make_denoiser_density(truth);
        CHECK(density->estimators().back().name == "bound_learned");
        CHECK(density->log_prob(x, {}, "bound_learned", Rng(2)).equal(-learned));
    }
    const MixtureDenoiser fixed(*straight_path(), {{1, 0, 1}});
    CHECK(make_denoiser_density(fixed)->estimators().back().name == "bound_forward");
}
