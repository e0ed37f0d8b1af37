// The resampled base against quadrature: its normaliser, its density and its draws.
#include "pushforward/core/weights.hpp"
#include "pushforward/distributions/resampled.hpp"
#include "pushforward/families/flow/models.hpp"
#include "support.hpp"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <doctest/doctest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/module.h>

#include <cmath>
#include <numbers>

using namespace pushforward;
using testing::worst;

namespace {

Variant resampled(std::int64_t truncation, std::int64_t width = 8, std::int64_t layers = 1) {
    Variant variant = base_distributions();
    variant.select("resampled");
    auto& o = dynamic_cast<ResampledBaseOptions&>(*variant.options);
    o.truncation = truncation, o.width = width, o.layers = layers;
    return variant;
}

/// A base whose network has one hidden layer of weights that are far from its start.
struct Subject {
    torch::nn::Module own;
    std::unique_ptr<BaseDistribution> base;
    NamedTensors weights;

    Subject(std::int64_t d, std::int64_t truncation)
        : base(make_base_distribution(resampled(truncation), own, "base", d)),
          weights(weights_of(own)) {
        const at::NoGradGuard no_grad;
        Rng rng(6);
        for (auto& p : own.parameters()) p.copy_(1.5 * rng.normal(p.sizes()));
        own.eval();
    }
    /// a(z), written out.
    Tensor accepted(const Tensor& z) const {
        const auto get = [&](const std::string& name) {
            return weights.at("base.acceptance." + name).detach().to(at::kDouble);
        };
        const Tensor hidden = at::relu(z.matmul(get("0.weight").t()) + get("0.bias"));
        return at::sigmoid(hidden.matmul(get("1.weight").t()) + get("1.bias")).squeeze(1);
    }
};

Tensor normal_density(const Tensor& z) {
    const double d = static_cast<double>(z.size(1));
    return (-0.5 * z.square().sum(1)).exp() * std::pow(2 * std::numbers::pi, -d / 2);
}

/// Points of [-7.5, 7.5]^d and their cell: the trapezium rule, exact for normals but for e^-28;
/// networks hear numbers to 8 as they are.
struct Grid {
    Tensor z;
    double cell;

    Grid(std::int64_t d, std::int64_t n) {
        const Tensor axis = at::linspace(-7.5, 7.5, n, at::kDouble);
        z = d == 1 ? axis.unsqueeze(1)
                   : at::stack({axis.repeat_interleave(n), axis.repeat({n})}, 1);
        cell = std::pow(15. / static_cast<double>(n - 1), static_cast<double>(d));
    }
    double integral(const Tensor& f) const { return f.sum().item<double>() * cell; }
};

constexpr double kDraws = 1 << 18;

}  // namespace

TEST_CASE("a resampled base is the law of its paper, to the accuracy of its normaliser") {
    for (const std::int64_t d : {1, 2})
        for (const std::int64_t truncation : {2, 5, 100}) {
            CAPTURE(d);
            CAPTURE(truncation);
            const Subject s(d, truncation);
            const Grid grid(d, d == 1 ? 8001 : 801);
            const at::NoGradGuard no_grad;
            const Tensor q = normal_density(grid.z), a = s.accepted(grid.z);
            const double z = grid.integral(a * q);
            const double sd = std::sqrt(grid.integral((a - z).square() * q));
            REQUIRE(sd > 0.05);
            const Tensor log_p = s.base->log_prob(grid.z);
            const double mass = grid.integral(log_p.exp());
            // (1 - alpha) Z / Z' + alpha, Z' off by 4.5 standard errors at most: a false alarm in
            // 10^5, and the draws are fixed
            const double off = 4.5 * sd / std::sqrt(kDraws) / z;
            CHECK(std::abs(mass - 1) < off);
            const double alpha = std::pow(1 - z, static_cast<double>(truncation - 1));
            const Tensor expected = (1 - alpha) / z * a * q + alpha * q;
            // what Z is off by moves 1 / Z, and alpha by T - 1 times as much of 1 - Z
            const double of_alpha =
                std::expm1(off * z / (1 - z) * static_cast<double>(truncation - 1));
            const Tensor band = 1.02 * off / z * a * q + alpha * of_alpha * (1 + a / z) * q;
            CHECK(((log_p.exp() - expected).abs() <= band).all().item<bool>());
            // in float32 it is the same law
            CHECK(worst(s.base->log_prob(grid.z.to(at::kFloat)), log_p) < 1e-4);
        }
}

TEST_CASE("draws of a resampled base have its density: chi-square, a false alarm in 10^6") {
    const std::int64_t n = 100000, bins = 40;
    for (const std::int64_t truncation : {3, 100}) {
        CAPTURE(truncation);
        const Subject s(1, truncation);
        const Grid grid(1, 150001);
        const at::NoGradGuard no_grad;
        // the law from the weights, not from the base; bins of equal mass
        const Tensor q = normal_density(grid.z), a = s.accepted(grid.z);
        const double z = grid.integral(a * q);
        const double alpha = std::pow(1 - z, static_cast<double>(truncation - 1));
        const Tensor cdf = (((1 - alpha) / z * a + alpha) * q * grid.cell).cumsum(0);
        Rng rng(8);
        const Tensor x = s.base->sample(n, 1, rng, at::kCPU);
        const Tensor place = ((x.squeeze(1).to(at::kDouble) + 7.5) * 1e4).round().to(at::kLong);
        const Tensor bin = (cdf.index_select(0, place) * static_cast<double>(bins))
                               .floor()
                               .clamp(0, static_cast<double>(bins - 1))
                               .to(at::kLong);
        const double expected = static_cast<double>(n) / static_cast<double>(bins);
        const double chi2 =
            (bin.bincount({}, bins).to(at::kDouble) - expected).square().sum().item<double>() /
            expected;
        CHECK(chi2 < 96.6);  // Wilson & Hilferty 1931: 39 (1 - 2 / 351 + 4.753 sqrt(2 / 351))^3
        // normals themselves are another law
        CHECK(worst(cdf.index_select(0, grid.z.squeeze(1).abs().argmin().view({1})),
                    at::zeros({1}, at::kDouble) + 0.5) > 0.02);
    }
}

TEST_CASE("a draw depends on the key and the row alone") {
    const Subject s(2, 100);
    Rng whole = Rng(3), part = Rng(3).rows_from(50);
    const Tensor all = s.base->sample(200, 1, whole, at::kCPU);
    CHECK(s.base->sample(30, 1, part, at::kCPU).equal(all.slice(0, 50, 80)));
    // and the stream goes on from one place, however many proposals the rows of a batch took
    Rng few = Rng(3);
    s.base->sample(1, 1, few, at::kCPU);
    CHECK(few.normal({1, 4}).equal(whole.normal({1, 4})));
    Rng rng(4), cold(4);
    CHECK(s.base->sample(20000, 0.5, cold, at::kCPU).var().item<double>() <
          0.5 * s.base->sample(20000, 1, rng, at::kCPU).var().item<double>());
}

TEST_CASE("while a resampled base learns, its normaliser is a running average with a gradient") {
    Subject s(2, 100);
    const Grid grid(2, 301);
    const Tensor x = Rng(2).normal({64, 2}, at::kDouble);
    const auto z_of = [&] { return grid.integral(s.accepted(grid.z) * normal_density(grid.z)); };
    const Tensor before = s.weights.at("base.normaliser").clone();
    s.base->log_prob(x);  // in evaluation nothing is learnt
    CHECK(before.equal(s.weights.at("base.normaliser")));
    CHECK(before.item<double>() == 0.5);
    s.own.train();
    {
        const at::NoGradGuard no_grad;
        s.base->log_prob(x);
        CHECK(before.equal(s.weights.at("base.normaliser")));
    }
    for (int i = 0; i < 200; ++i) s.base->log_prob(x);
    CHECK(s.weights.at("base.calls").item<std::int64_t>() == 200);
    // 1024 draws a call and a weight of 0.05: an error of at most 0.5 / 32 sqrt(0.05 / 1.95) =
    // 0.0025, six of them
    CHECK(std::abs(s.weights.at("base.normaliser").item<double>() - z_of()) < 0.015);
    // the mean gradient of many calls is that of log p with Z by quadrature (alpha is nothing here)
    const Tensor bias = s.own.parameters().back();
    REQUIRE(bias.numel() == 1);
    double mean = 0;
    for (int i = 0; i < 100; ++i)
        mean += torch::autograd::grad({s.base->log_prob(x).mean()}, {bias})[0].item<double>() / 100;
    const auto log_p = [&](double shift) {
        const at::NoGradGuard no_grad;
        bias.add_(shift);
        const double value = s.accepted(x).log().mean().item<double>() - std::log(z_of());
        bias.sub_(shift);
        return value;
    };
    const double expected = (log_p(0.01) - log_p(-0.01)) / 0.02;
    CHECK(std::abs(mean - expected) < 0.01);
    // another setting of the weights has another Z, at once
    s.own.eval();
    const at::NoGradGuard no_grad;
    const Tensor p = s.base->log_prob(grid.z);
    bias.sub_(1.5);
    const Tensor moved = s.base->log_prob(grid.z);
    CHECK(worst(p, moved) > 0.05);
    CHECK(std::abs(grid.integral(moved.exp()) - 1) < 0.01);
}

TEST_CASE("flows begin from a resampled base, which begins as the normal law") {
    RealNvpOptions o;
    o.transforms = 2, o.width = 8, o.base = resampled(20, 16, 2);
    at::manual_seed(1);
    const auto model = make_real_nvp(o, {}, {{Kind::real, {2}, 0}, {}});
    const auto weights = weights_of(model->module());
    CHECK(weights.at("base.acceptance.1.weight").sizes() == at::IntArrayRef({16, 16}));
    CHECK(weights.contains("base.acceptance.2.bias"));
    CHECK(model->latent() == nullptr);
    model->module().eval();
    const Tensor x = Rng(1).normal({50, 2}, at::kDouble);
    model->compute_in(at::kDouble);
    const at::NoGradGuard no_grad;
    CHECK(worst(model->density()->log_prob(x, {}, "exact", Rng(0)), normal_density(x).log()) <
          1e-6);
    const Samples drawn = model->sample({100}, Rng(3));
    CHECK(worst(drawn.log_prob, model->density()->log_prob(drawn.x, {}, "exact", Rng(0))) < 1e-4);
    CHECK(drawn.x.slice(0, 40, 60).allclose(model->sample({20, 40}, Rng(3)).x, 0, 1e-6));
}
