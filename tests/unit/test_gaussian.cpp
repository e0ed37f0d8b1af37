#include "pushforward/base/errors.hpp"
#include "pushforward/families/catalogue.hpp"
#include "pushforward/families/diffusion/ddpm.hpp"
#include "pushforward/families/diffusion/edm.hpp"
#include "pushforward/families/diffusion/flow_matching.hpp"
#include "pushforward/families/diffusion/score_sde.hpp"
#include "pushforward/nn/mlp.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/sqrt.h>
#include <doctest/doctest.h>
#include <torch/nn/module.h>

#include <cmath>

using namespace pushforward;

namespace {

double worst(const Tensor& error) {
    return error.abs().max().item<double>();
}

std::shared_ptr<const GaussianPath> sde_path(Process process, Prediction prediction) {
    ScoreSdeOptions options;
    options.process = process;
    options.prediction = prediction;
    return pushforward::sde_path(options);
}

struct Case {
    std::string name;
    std::shared_ptr<const GaussianPath> path;
};

std::vector<Case> cases() {
    std::vector<Case> all;
    for (auto schedule : {BetaSchedule::linear, BetaSchedule::cosine})
        for (auto prediction :
             {Prediction::epsilon, Prediction::x0, Prediction::v, Prediction::score})
            all.push_back({text("ddpm ", int(schedule), int(prediction)),
                           ddpm_path(schedule, 1000, prediction)});
    all.push_back({"edm", edm_path(0.5, 0.002, 80)});
    all.push_back({"flow_matching", straight_path()});
    for (auto process : {Process::vp, Process::sub_vp, Process::ve})
        for (auto prediction : {Prediction::epsilon, Prediction::v})
            all.push_back(
                {text("score_sde ", int(process), int(prediction)), sde_path(process, prediction)});
    return all;
}

/// The network's target F* = (x0 - c_skip x_t) / c_out.
Tensor target(const GaussianPath& path, const Tensor& x0, const Tensor& eps, const Tensor& t) {
    const Level level = path.at(t);
    const Preconditioning p = path.preconditioning(t);
    return (x0 - p.skip * (level.alpha * x0 + level.sigma * eps)) / p.out;
}

}  // namespace

TEST_CASE("abar of the linear schedule ends at 4.0358e-5") {
    const auto bars = alpha_bars(BetaSchedule::linear, 1000);
    REQUIRE(bars.size() == 1001);
    CHECK(bars[0] == 1);
    CHECK(bars[1] == doctest::Approx(1 - 1e-4).epsilon(1e-14));
    CHECK(bars[1000] == doctest::Approx(4.0358e-5).scale(0).epsilon(1e-5));
    // fewer steps, about the same noise in the end
    CHECK(alpha_bars(BetaSchedule::linear, 100)[100] < 1e-4);
}

TEST_CASE("abar of the cosine schedule is cos^2 until beta is cut") {
    const auto bars = alpha_bars(BetaSchedule::cosine, 1000);
    const auto f = [](double t) { return std::pow(std::cos((t + 0.008) / 1.008 * M_PI / 2), 2); };
    for (std::size_t k : {1u, 10u, 500u, 900u})
        CHECK(bars[k] == doctest::Approx(f(static_cast<double>(k) / 1000) / f(0)).epsilon(1e-9));
    CHECK(bars[1000] / bars[999] == doctest::Approx(0.001).scale(0));
}

TEST_CASE("the network's target is what each paper names") {
    const auto t = at::linspace(0.001, 1, 1000, at::kDouble);
    const double x0 = 0.7, eps = -1.3;
    const Tensor ones = at::ones_like(t);
    const auto expect = [&](const GaussianPath& path, const Tensor& f, double tolerance) {
        CHECK(worst(target(path, x0 * ones, eps * ones, t) - f) < tolerance);
    };
    for (auto schedule : {BetaSchedule::linear, BetaSchedule::cosine}) {
        const auto v = ddpm_path(schedule, 1000, Prediction::v);
        const Level level = v->at(t);
        expect(*ddpm_path(schedule, 1000, Prediction::epsilon), eps * ones, 1e-9);
        expect(*ddpm_path(schedule, 1000, Prediction::x0), x0 * ones, 1e-12);
        expect(*v, level.alpha * eps - level.sigma * x0, 1e-9);
    }
    expect(*straight_path(), (eps - x0) * ones, 1e-11);
    const auto ve = sde_path(Process::ve, Prediction::v);
    const Level far = ve->at(t);
    expect(*sde_path(Process::ve, Prediction::score), -eps / far.sigma, 1e-8);
    expect(*ve, (eps - far.sigma * x0) / at::sqrt(1 + far.sigma * far.sigma), 1e-9);
}

TEST_CASE("the processes obey their SDEs: d sigma^2 / dt = 2 f sigma^2 + g^2") {
    const Tensor t = at::linspace(0.01, 1, 100, at::kDouble), beta = 0.1 + 19.9 * t;
    const auto diffusion = [&](const Path& path) {  // g^2
        const Level at = path.at(t), slope = path.derivative(t);
        return 2 * at.sigma * (slope.sigma - slope.alpha / at.alpha * at.sigma);
    };
    const auto vp = sde_path(Process::vp, Prediction::v),
               sub = sde_path(Process::sub_vp, Prediction::v),
               ve = sde_path(Process::ve, Prediction::v);
    for (const auto& path : {vp, sub})
        CHECK(worst(path->derivative(t).alpha / path->at(t).alpha + beta / 2) < 1e-12);
    CHECK(worst(diffusion(*vp) / beta - 1) < 1e-12);
    const Tensor kept = vp->at(t).alpha.pow(4);
    CHECK(worst(diffusion(*sub) / (beta * (1 - kept)) - 1) < 1e-10);
    CHECK(vp->at(t[-1]).alpha.square().item<double>() ==
          doctest::Approx(std::exp(-10.05)).scale(0).epsilon(1e-12));
    // g of ve is sigma_min (sigma_max / sigma_min)^t sqrt(2 log(sigma_max / sigma_min))
    const Tensor g = 0.01 * at::exp(t * std::log(5000.)) * std::sqrt(2 * std::log(5000.));
    CHECK(worst(diffusion(*ve) / g.square() - 1) < 1e-10);
    CHECK(ve->at(t[-1]).sigma.item<double>() == doctest::Approx(50).epsilon(1e-6));
}

TEST_CASE(
    "EDM's preconditioning keeps the network's input, target and weighted loss at unit scale") {
    const double data = 0.37;
    const auto path = edm_path(data, 0.002, 80);
    const Tensor t = at::linspace(-6, 4, 101, at::kDouble).exp();
    const Preconditioning p = path->preconditioning(t);
    CHECK(worst(p.in * p.in * (data * data + t * t) - 1) < 1e-12);
    // Var F* = ((1 - c_skip)^2 data^2 + c_skip^2 sigma^2) / c_out^2 = 1
    const Tensor variance =
        ((1 - p.skip).square() * data * data + p.skip.square() * t * t) / p.out.square();
    CHECK(worst(variance - 1) < 1e-9);
    CHECK(worst((t * t + data * data) / (t * data).square() * p.out.square() - 1) < 1e-9);
    CHECK(worst(p.noise - 250 * t.log()) < 1e-9);
}

TEST_CASE(
    "alpha and sigma begin at the data and their derivatives are those of finite differences") {
    for (const auto& [name, path] : cases()) {
        CAPTURE(name);
        const Level start = path->at(at::full({1}, 0., at::kDouble));
        CHECK(start.alpha.item<double>() == 1);
        CHECK(start.sigma.item<double>() == 0);
        // off the knots of the discrete paths
        const Tensor t = path->t_min() + (path->t_max() - path->t_min()) *
                                             (at::linspace(3, 990, 330, at::kDouble) + 0.437) / 999;
        const double h = 1e-8 * path->t_max();
        const Level left = path->at(t - h), right = path->at(t + h), slope = path->derivative(t);
        CHECK(worst((right.alpha - left.alpha) / (2 * h) - slope.alpha) < 1e-5);
        CHECK(worst((right.sigma - left.sigma) / (2 * h) - slope.sigma) < 1e-5);
    }
}

TEST_CASE("training times follow the papers") {
    const Tensor u = (at::linspace(0, 999, 1000, at::kDouble) + 0.5) / 1000;
    const auto discrete = ddpm_path(BetaSchedule::linear, 10, Prediction::v)->training_time(u);
    for (int k = 1; k <= 10; ++k)
        CHECK(((discrete * 10 - k).abs() < 1e-9).sum().item<std::int64_t>() == 100);
    const Tensor sigma = edm_path(0.5, 0.002, 80)->training_time(u).log();
    CHECK(sigma.mean().item<double>() == doctest::Approx(-1.2).epsilon(0.001));
    CHECK(sigma.std().item<double>() == doctest::Approx(1.2).epsilon(0.01));
    CHECK(edm_path(0.5, 0.3, 0.31)->training_time(u).max().item<double>() <= 0.31);
    const Tensor flow = straight_path()->training_time(u);
    CHECK(flow.min().item<double>() == doctest::Approx(0.0015).scale(0).epsilon(1e-2));
    CHECK(flow.max().item<double>() == doctest::Approx(0.9995).epsilon(1e-3));
}

TEST_CASE("every model's residual is its prediction's error over c_out, in float64 to 1e-9") {
    const DataSpec spec{{Kind::real, {3}, 0}, {}};
    for (const auto& [name, path] : cases()) {
        CAPTURE(name);
        GaussianOptions options;
        options.network.select("mlp");
        const auto model = make_gaussian(path, options, {}, spec);
        {
            const at::NoGradGuard no_grad;
            for (auto& p : model->module().parameters()) p.normal_(0, 0.3);
        }
        model->compute_in(at::kDouble);
        Rng rng(11);
        const Tensor x0 = rng.normal({64, 3}, at::kDouble), eps = rng.normal({64, 3}, at::kDouble);
        const Tensor t = path->training_time((at::linspace(0, 63, 64, at::kDouble) + 0.3) / 64);
        const Level level = path->at(t);
        const Tensor x = level.alpha.unsqueeze(1) * x0 + level.sigma.unsqueeze(1) * eps;
        const Denoiser& denoiser = *model->denoiser();
        const Tensor error = denoiser.predict_x0(x, t, {}) - x0;
        const Tensor residual = denoiser.residual(x0, eps, t, {});
        const Tensor out = path->preconditioning(t).out.unsqueeze(1);
        CHECK(worst(error / out - residual) < 1e-9);
        CHECK(worst(denoiser.residual_scale(t).unsqueeze(1) - out) == 0);
        // and the two conversions agree: the epsilon of the prediction
        const Tensor eps_hat =
            (x - level.alpha.unsqueeze(1) * (x0 + error)) / level.sigma.unsqueeze(1);
        if (name == "ddpm 00") CHECK(worst(eps_hat - eps - residual) < 1e-6);
    }
}

TEST_CASE("options that make no path are refused by name") {
    CHECK_THROWS_WITH_AS(edm_path(0.5, 3, 2),
                         "model.sigma_min: expected less than sigma_max, 2, got 3", UsageError);
    CHECK_THROWS_WITH_AS(alpha_bars(BetaSchedule::linear, 0),
                         "model.steps: expected at least 1, got 0", UsageError);
    ScoreSdeOptions sde;
    sde.beta_min = 30;
    CHECK_THROWS_WITH_AS(sde_path(sde), "model.beta_min: expected less than beta_max, 20, got 30",
                         UsageError);
    sde.beta_min = 0.1;
    sde.sigma_min = 60;
    CHECK_THROWS_WITH_AS(sde_path(sde), "model.sigma_min: expected less than sigma_max, 50, got 60",
                         UsageError);
    DdpmOptions options;  // a U-Net
    CHECK_THROWS_WITH_AS(make_ddpm(options, {}, {{Kind::real, {2}, 0}, {}}),
                         "unet: expected images of 1 to 4 channels (the network \"mlp\" takes any "
                         "item), got items of 1 dimensions",
                         UsageError);
    CHECK_THROWS_WITH_AS(make_ddpm(options, {}, {{Kind::symbol, {2}, 5}, {}}),
                         "a Gaussian model: expected real numbers, got another kind of data",
                         UsageError);
    CHECK_THROWS_AS(catalogue_entry("ddmp"), UsageError);
}
