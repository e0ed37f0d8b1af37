#include "pushforward/families/diffusion/mixture.hpp"
#include "pushforward/objectives/score_matching.hpp"
#include "support.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/linspace.h>
#include <doctest/doctest.h>
#include <torch/nn/module.h>

#include <cmath>

using namespace pushforward;

namespace {

const DataSpec plane{{Kind::real, {2}, 0}, {}};

/// N(0, deviation^2 I) as a denoiser.
std::unique_ptr<Model> normal(double deviation) {
    MixtureModelOptions options;
    options.components = 1;
    auto model = make_mixture_model(options, {}, plane);
    const at::NoGradGuard no_grad;
    for (auto& p : model->module().named_parameters())
        p.value().fill_(p.key() == "log_deviation" ? std::log(deviation) : 0.0);
    return model;
}

/// The loss on 400,000 draws of N(0, 0.25 I).
double loss_of(Model& model, ScoreTrace trace) {
    ScoreMatchingOptions options;
    options.trace = trace;
    const testing::NoData data(plane);
    const auto objective = make_score_matching(options);
    REQUIRE(objective->refusal(model, {&data}) == "");
    Batch batch;
    batch.x = 0.5 * Rng(1).normal({400000, 2});
    return objective->players(model, {&data})
        .at(0)
        .loss(batch, Step{0, Rng(2)})
        .value.item<double>();
}

/// E over times of sigma^2 (|s|^2 / 2 + div s) / D for the score s = -x / v' of N(0, v' = alpha^2
/// deviation^2 + sigma^2) on x of variance v = alpha^2 / 4 + sigma^2: sigma^2 (v / v'^2 / 2 -
/// 1/v').
double expected(const Model& model, double deviation) {
    const Path& path = model.denoiser()->path();
    const Tensor u = (at::linspace(0, 9999, 10000, at::kDouble) + 0.5) / 10000;
    const Level at = path.at(path.training_time(u));
    const Tensor a2 = at.alpha.square(), s2 = at.sigma.square();
    const Tensor v = a2 / 4 + s2, believed = a2 * deviation * deviation + s2;
    return (s2 * (v / believed.square() / 2 - 1 / believed)).mean().item<double>();
}

}  // namespace

TEST_CASE("score matching has the value of its closed form, least at the truth") {
    const auto truth = normal(0.5), wide = normal(0.8);
    const double least = expected(*truth, 0.5), more = expected(*wide, 0.8);
    REQUIRE(more > least + 0.009);
    for (const ScoreTrace trace : {ScoreTrace::implicit, ScoreTrace::sliced}) {
        // |s|^2 sigma^2 / 2D varies by about 0.5 a row: 0.0035 is over four standard errors
        CHECK(std::abs(loss_of(*truth, trace) - least) < 0.0035);
        CHECK(std::abs(loss_of(*wide, trace) - more) < 0.0035);
    }
    CHECK(make_score_matching({})->refusal(*truth, {}) ==
          "score_matching learns from data, and there is none");
}
