#include "gaussian_truth.hpp"
#include "pushforward/families/diffusion/mixture.hpp"
#include "pushforward/objectives/likelihood.hpp"
#include "support.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/tensor.h>
#include <doctest/doctest.h>
#include <torch/nn/module.h>

#include <cmath>
#include <numbers>

using namespace pushforward;

namespace {

const DataSpec line{{Kind::real, {1}, 0}, {}};

/// 0.3 N(-1.5, 0.3^2) + 0.7 N(1.5, 0.3^2) in float64.
std::unique_ptr<Model> two(double temperature = 1) {
    MixtureModelOptions options;
    options.components = 2;
    MixtureSampling sampling;
    sampling.temperature = temperature;
    auto model = make_mixture_model(options, sampling, line);
    const at::NoGradGuard no_grad;
    for (auto& p : model->module().named_parameters()) {
        if (p.key() == "mean") p.value().copy_(at::tensor({-1.5, 1.5}).view({2, 1}));
        if (p.key() == "log_deviation") p.value().fill_(std::log(0.3));
        if (p.key() == "logit") p.value().copy_(at::tensor({std::log(0.3), std::log(0.7)}));
    }
    model->compute_in(at::kDouble);
    return model;
}

}  // namespace

TEST_CASE("a mixture's density, denoiser and samples are those of its formula") {
    const auto model = two();
    const Tensor x = at::linspace(-3, 3, 61, at::kDouble).unsqueeze(1);
    const Tensor low = -0.5 * ((x + 1.5) / 0.3).square(), high = -0.5 * ((x - 1.5) / 0.3).square();
    const Tensor expected =
        ((0.3 * low.exp() + 0.7 * high.exp()) / (0.3 * std::sqrt(2 * std::numbers::pi)))
            .log()
            .squeeze(1);
    const Tensor log_p = model->density()->log_prob(x, {}, "exact", Rng(0));
    CHECK(testing::worst(log_p, expected) < 1e-5);  // the parameters are float32

    const testing::VpPath path;
    const testing::MixtureDenoiser truth(path, {{0.3, -1.5, 0.3}, {0.7, 1.5, 0.3}});
    for (double time : {0.001, 0.1, 0.5, 1.0}) {
        const Tensor t = at::linspace(time, time, 61, at::kDouble);
        CHECK(testing::worst(model->denoiser()->predict_x0(x, t, {}), truth.predict_x0(x, t, {})) <
              1e-5);
    }

    // 0.01 is 4.4 standard errors of the share and 0.006 four of a deviation of 0.3
    const Tensor drawn = model->sample({.n = 40000}, Rng(3)).x;
    CHECK(std::abs((drawn < 0).to(at::kDouble).mean().item<double>() - 0.3) < 0.01);
    CHECK(std::abs(drawn.abs().std().item<double>() - 0.3) < 0.006);
    CHECK(two(0.5)->sample({.n = 40000}, Rng(3)).x.abs().std().item<double>() ==
          doctest::Approx(0.15).scale(0).epsilon(0.02));
}

TEST_CASE("labels move a mixture's weights, and likelihood is fitted where a density is exact") {
    MixtureModelOptions options;
    const DataSpec labelled{{Kind::real, {2}, 0}, {{"label", {Kind::symbol, {}, 3}}}};
    const auto model = make_mixture_model(options, {}, labelled);
    Rng rng(4);
    const Tensor x = rng.normal({5, 2});
    Condition one, other;
    one.value["label"] = at::tensor({0, 0, 0, 0, 0}, at::kLong);
    other.value["label"] = at::tensor({1, 1, 1, 1, 1}, at::kLong);
    const auto log_p = [&](const Condition& c) {
        return model->density()->log_prob(x, c, "exact", Rng(0));
    };
    CHECK(testing::worst(log_p(one), log_p(other)) > 1e-3);

    Batch batch;
    batch.x = x;
    batch.c = one;
    const auto loss = [&](double dropout) {
        LikelihoodOptions how;
        how.condition_dropout = dropout;
        const auto players = make_likelihood(how)->players(*model, {});
        return players.at(0).loss(batch, Step{0, Rng(1)}).value.item<double>();
    };
    CHECK(loss(0) == doctest::Approx(-log_p(one).mean().item<double>()));
    CHECK(loss(1) == doctest::Approx(-log_p({}).mean().item<double>()));
    CHECK(make_likelihood({})->refusal(*model, {}) ==
          "likelihood learns from data, and there is none");
    CHECK(testing::refusal([] {
              make_mixture_model({}, {}, {{Kind::symbol, {2}, 5}, {}});
          }) == "mixture: expected real numbers, got another kind of data");
}
