#include "gaussian_truth.hpp"
#include "pushforward/families/diffusion/ddpm.hpp"
#include "pushforward/families/diffusion/flow_matching.hpp"
#include "pushforward/samplers/guidance.hpp"
#include "pushforward/samplers/solvers.hpp"
#include "pushforward/samplers/time_grid.hpp"

#include <ATen/ops/linspace.h>
#include <ATen/ops/zeros_like.h>
#include <doctest/doctest.h>

#include <functional>

using namespace pushforward;
using testing::MixtureDenoiser;
using testing::VpPath;

namespace {

Denoise exact(const Denoiser& model) {
    return guided(model, {}, {});
}

using Solve =
    std::function<Tensor(const Denoise&, const Path&, Tensor, const std::vector<double>&)>;

/// -d log(median |error|) / d log(n) between n = 80 and 320 on the target of two normals.
double order(const Solve& solve) {
    const VpPath path;
    const MixtureDenoiser truth(path, {{0.3, -1.5, 0.3}, {0.7, 1.5, 0.3}});
    const Tensor start = at::linspace(-3, 3, 201, at::kDouble).unsqueeze(1);
    const auto run = [&](const Solve& s, std::int64_t n) {
        return s(exact(truth), path, start, time_grid(path, Grid::log_snr, n + 1));
    };
    static const Tensor reference = adaptive(exact(truth), path, start, {path.t_max(), 0}, 1e-12);
    const auto error = [&](std::int64_t n) {
        return (run(solve, n) - reference).abs().median().item<double>();
    };
    return std::log(error(80) / error(320)) / std::log(4.0);
}

}  // namespace

TEST_CASE("solvers have the order that they declare") {
    const auto order_of = [](const std::string& name) {
        return order([name](auto& d, auto& p, auto x, auto& t) {
            Rng rng(0);
            return solver_entry(name).solve(d, p, x, t, {}, rng);
        });
    };
    const auto is = [&](const std::string& name, double expected) {
        CAPTURE(name);
        CHECK(std::abs(order_of(name) - expected) < 0.12);
    };
    is("ddim", 1);
    is("euler", 1);
    is("heun", 2);
    is("dpm_solver_2", 2);
    is("dpm_solver_3", 3);
    is("dpm_solver_pp_2m", 2);
}

TEST_CASE("the adaptive solver is as accurate as it is told, row by row") {
    const VpPath path;
    const MixtureDenoiser truth(path, {{0.3, -1.5, 0.3}, {0.7, 1.5, 0.3}});
    const Tensor start = at::linspace(-3, 3, 201, at::kDouble).unsqueeze(1);
    const Tensor reference = adaptive(exact(truth), path, start, {1, 0}, 1e-11);
    for (double tolerance : {1e-3, 1e-5, 1e-7}) {
        const Tensor x = adaptive(exact(truth), path, start, {1, 0}, tolerance);
        const double error = (x - reference).abs().median().item<double>();
        CHECK(error < 10 * tolerance);  // the tolerance is a step's, the error that of them all
        CHECK(error > 1e-3 * tolerance);
        const Tensor alone = adaptive(exact(truth), path, start.slice(0, 7, 8), {1, 0}, tolerance);
        CHECK((alone - x.slice(0, 7, 8)).abs().item<double>() < 1e-13);
    }
}

TEST_CASE("every solver carries noise to the law of the data") {
    // 6 / sqrt(n) = 0.042 for the mean and 0.03 for the deviation of 20,000 draws
    const std::int64_t n = 20000;
    const auto path = ddpm_path(BetaSchedule::linear, 1000, Prediction::epsilon);
    const MixtureDenoiser truth(*path, {{1, 2.0, 0.5}});
    const auto check = [&](const Tensor& x) {
        CHECK(x.mean().item<double>() == doctest::Approx(2).epsilon(0.01));
        CHECK(x.std().item<double>() == doctest::Approx(0.5).scale(0).epsilon(0.03));
    };
    Rng rng(7);
    const Tensor start = rng.normal({1, n}, at::kDouble);
    const auto times = time_grid(*path, Grid::uniform, 250);
    check(ddim(exact(truth), *path, start, times, 0, rng));
    check(ddim(exact(truth), *path, start, times, 0.5, rng));
    check(ancestral(exact(truth), *path, start, times, rng));
    const auto smooth = time_grid(*path, Grid::log_snr, 200);
    SolverSettings settings;
    settings.corrections = 20;  // annealed_langevin has nothing else to move it
    for (const auto& entry : solver_catalogue()) {
        CAPTURE(entry.name);
        check(entry.solve(exact(truth), *path, start, smooth, settings, rng));
    }

    const auto straight = straight_path();
    const MixtureDenoiser flow(*straight, {{1, 2.0, 0.5}});
    for (const auto& entry : solver_catalogue()) {
        CAPTURE(entry.name);
        const auto even = time_grid(*straight, Grid::uniform, 200);
        check(entry.solve(exact(flow), *straight, start, even, settings, rng));
    }
}

TEST_CASE("the ancestral step is the posterior q(x_s | x_t, x0)") {
    // With x0 = 0 known, one step from x_t = 1 has mean a(1 - abar_s) / (1 - abar_t) and variance
    // beta (1 - abar_s) / (1 - abar_t) (Ho et al. 2020, eq. 7), here from k = 600 to 599.
    const auto path = ddpm_path(BetaSchedule::linear, 1000, Prediction::epsilon);
    const auto bars = alpha_bars(BetaSchedule::linear, 1000);
    const double beta = 1 - bars[600] / bars[599], share = (1 - bars[599]) / (1 - bars[600]);
    const Denoise zero = [](const Tensor& x, const Tensor&) { return at::zeros_like(x); };
    Rng rng(3);
    const Tensor x = at::ones({1, 40000}, at::kDouble);
    const Tensor y = ancestral(zero, *path, x, {0.6, 0.599}, rng);
    CHECK(std::abs(y.mean().item<double>() - std::sqrt(1 - beta) * share) <
          5 * std::sqrt(beta * share / 40000));
    // 0.03 is four standard errors of a variance from 40,000 draws: one false alarm in 15,000
    CHECK(std::abs(y.var().item<double>() / (beta * share) - 1) < 0.03);
    // eta scales the deviation of that noise, 0 leaves none
    const Tensor half = ddim(zero, *path, x, {0.6, 0.599}, 0.5, rng);
    CHECK(std::abs(half.var().item<double>() / (beta * share / 4) - 1) < 0.03);
    CHECK(ddim(zero, *path, x, {0.6, 0.599}, 0, rng).std().item<double>() < 1e-12);
}

TEST_CASE("with the variance of x0 three ancestral steps keep a normal law") {
    const auto path = ddpm_path(BetaSchedule::linear, 1000, Prediction::epsilon);
    const std::int64_t n = 200000;
    const std::vector<double> times = {1, 0.5, 0.2, 0.05};
    const LevelAt last = level_at(*path, times.back());
    const double deviation = 0.3;
    const double exact_variance = std::pow(last.alpha * deviation, 2) + last.sigma * last.sigma;
    const auto variance = [&](bool learnt) {
        const MixtureDenoiser truth(*path, {{1, 0.7, deviation}}, learnt);
        Rng rng(4);
        const Tensor start = rng.normal({n, 1}, at::kDouble);
        const Tensor x = ancestral(exact(truth), *path, start, times, rng);
        return x.var().item<double>() / exact_variance;
    };
    // four standard errors of a variance: one false alarm in 15,000; the seed is fixed
    CHECK(std::abs(variance(true) - 1) < 4 * std::sqrt(2.0 / double(n)));
    CHECK(variance(false) < 0.9);
}

TEST_CASE("a step to t = 0 is the denoised item") {
    const VpPath path;
    const Denoise seven = [](const Tensor& x, const Tensor&) { return at::zeros_like(x) + 7; };
    Rng rng(1);
    const Tensor x = rng.normal({4, 2}, at::kDouble);
    CHECK((heun(seven, path, x, {0.1, 0}) == 7).all().item<bool>());
    CHECK((euler(seven, path, x, {0.1, 0}) == 7).all().item<bool>());
    CHECK((ancestral(seven, path, x, {0.1, 0}, rng) == 7).all().item<bool>());
}
