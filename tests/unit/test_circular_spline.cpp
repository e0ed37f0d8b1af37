// Flows of angles: maps of the circle without a seam, and densities on the torus.
#include "pushforward/base/errors.hpp"
#include "pushforward/bijections/circular.hpp"
#include "pushforward/bijections/coupling.hpp"
#include "pushforward/families/catalogue.hpp"
#include "pushforward/families/flow/circular_spline.hpp"
#include "pushforward/training/optimiser.hpp"
#include "pushforward/training/recipe.hpp"
#include "support.hpp"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/linalg_inv.h>
#include <ATen/ops/linalg_slogdet.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/searchsorted.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <doctest/doctest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/module.h>

#include <cmath>
#include <limits>
#include <numbers>

using namespace pushforward;
using testing::worst;

namespace {

constexpr double pi = std::numbers::pi;

/// The largest distance on the circle.
double apart(const Tensor& a, const Tensor& b) {
    const Tensor turn = a - b;
    return (turn - 2 * pi * (turn / (2 * pi)).round()).abs().max().item<double>();
}

void move(torch::nn::Module& module, double by) {
    const at::NoGradGuard no_grad;
    Rng rng(6);
    for (auto& p : module.parameters()) p.add_(by * rng.normal(p.sizes()));
}

std::unique_ptr<Model> model_of(std::int64_t d, std::int64_t width = 16, std::int64_t bins = 5) {
    CircularSplineOptions o;
    o.transforms = 4, o.width = width, o.bins = bins;
    auto model = make_circular_spline_flow(o, {}, {{Kind::real, {d}, 0}, {}});
    return model;
}

Tensor log_p(const Model& model, const Tensor& x) {
    return model.density()->log_prob(x, {}, "exact", Rng(0));
}

}  // namespace

TEST_CASE("wrapped angles lie in [-pi, pi)") {
    const Tensor x = at::tensor({-pi, 0., 3., pi, 3.5 * pi, -9.}, at::kDouble);
    const Tensor y = at::tensor({-pi, 0., 3., -pi, -0.5 * pi, 4 * pi - 9 - 2 * pi}, at::kDouble);
    CHECK(worst(wrapped(x), y) < 1e-14);
}

TEST_CASE("couplings of angles invert, and say the determinant of their Jacobian") {
    for (const std::int64_t d : {1, 2, 3}) {
        CAPTURE(d);
        torch::nn::Module own;
        std::vector<std::unique_ptr<Bijection>> links;
        for (const bool odd : {false, true})
            links.push_back(make_coupling(own, odd ? "odd" : "even", {d, 3, 16, 2}, odd,
                                          make_circular_spline(5)));
        const Chain map(std::move(links));
        move(own, 0.4);
        Rng rng(1);
        const Tensor x = pi * (2 * rng.uniform({40, d}, at::kDouble) - 1);
        const Tensor context = rng.normal({40, 3}, at::kDouble);
        const Mapped there = map.forward(x, context), back = map.inverse(there.y, context);
        CHECK(worst(there.y, x) > 0.5);
        CHECK(worst(there.log_det, -back.log_det) < 1e-7);
        const Tensor single = map.forward(x.to(at::kFloat), context.to(at::kFloat)).y;
        const Tensor again = map.inverse(single, context.to(at::kFloat)).y;
        // whole turns change nothing
        const Mapped turned =
            map.forward(x + 2 * pi * at::arange(-3, 37, at::kDouble).unsqueeze(1), context);
        CHECK(apart(turned.y, there.y) < 1e-9);
        CHECK(worst(turned.log_det, there.log_det) < 1e-9);
        CHECK(turned.y.abs().max().item<double>() <= (d == 1 ? pi : 1e9));
        for (std::int64_t i = 0; i < 8; ++i) {
            const at::AutoGradMode with_grad(true);
            const Tensor row = x.narrow(0, i, 1).clone().requires_grad_(true);
            const Tensor y = map.forward(row, context.narrow(0, i, 1)).y;
            std::vector<Tensor> rows;
            for (std::int64_t k = 0; k < d; ++k)
                rows.push_back(torch::autograd::grad({y[0][k]}, {row}, {}, true)[0][0]);
            const Tensor j = at::stack(rows);
            CHECK(worst(std::get<1>(at::linalg_slogdet(j)), there.log_det[i]) < 1e-10);
            // what rounding of y alone leaves of x: eps |J^-1| |y|
            const double known = (1 + pi) * (1 + at::linalg_inv(j).norm().item<double>());
            CHECK(apart(back.y[i], x[i]) < 100 * std::numeric_limits<double>::epsilon() * known);
            CHECK(apart(again[i], x[i]) < 100 * std::numeric_limits<float>::epsilon() * known);
        }
    }
    torch::nn::Module own;
    CHECK(testing::refusal([&] {
              make_autoregressive(own, "map", {3, 0, 8, 1}, make_circular_spline(5));
          }) == "map: expected a transformer of numbers, got one of angles");
    const Tensor x = at::linspace(-3, 3, 9, at::kDouble).view({9, 1});
    const Mapped same = make_circular_spline(5)->forward(x, at::zeros({9, 1, 16}, at::kDouble));
    CHECK(worst(same.y, x) < 1e-14);
    CHECK(same.log_det.abs().max().item<double>() < 1e-14);
}

TEST_CASE("a circular spline and its slope have no seam") {
    const auto map = make_circular_spline(6);
    Tensor p = 1.5 * Rng(3).normal({1, 1, map->parameters()}, at::kDouble);
    const Tensor ends = at::tensor({-pi, -pi + 1e-12, pi - 1e-12, pi}, at::kDouble).unsqueeze(1);
    const Mapped y = map->forward(ends, p.expand({4, 1, -1}));
    CHECK(apart(y.y, y.y.narrow(0, 0, 1)) < 1e-9);
    CHECK(worst(y.log_det, y.log_det[0]) < 1e-9);
    CHECK(std::abs(y.log_det[0].item<double>()) > 0.1);  // learnt, not 1
    // the spline goes once round: all of the circle is reached once
    const std::int64_t n = 2001;
    const Tensor x = at::linspace(-pi, pi, n, at::kDouble).unsqueeze(1);
    const Mapped all = map->forward(x, p.expand({n, 1, -1}));
    const Tensor steps = wrapped(all.y.slice(0, 1) - all.y.slice(0, 0, -1));
    CHECK((steps > 0).all().item<bool>());
    CHECK(std::abs(steps.sum().item<double>() - 2 * pi) < 1e-9);
}

TEST_CASE("densities of angles integrate to one over the torus, and have no seam") {
    const auto model = model_of(2);
    move(model->module(), 0.15);
    model->compute_in(at::kDouble);
    const at::NoGradGuard no_grad;
    const std::int64_t n = 700;
    const Tensor axis = (at::arange(n, at::kDouble) + 0.5) * (2 * pi / double(n)) - pi;
    const Tensor x = at::stack({axis.repeat_interleave(n), axis.repeat({n})}, 1);
    const Tensor p = log_p(*model, x).exp();
    const double mass = p.mean().item<double>() * 4 * pi * pi;
    CHECK(std::abs(mass - 1) < 1e-3);
    CHECK((p.max() / p.min()).item<double>() > 3);
    // across the seam in either number, and the gradient a turn further on
    const Tensor other = at::linspace(-3, 3, 50, at::kDouble), edge = at::zeros({50}, at::kDouble);
    for (const bool first : {true, false}) {
        const auto at_angle = [&](double angle) {
            return first ? at::stack({edge + angle, other}, 1)
                         : at::stack({other, edge + angle}, 1);
        };
        const auto gradient = [&](double angle) {
            const at::AutoGradMode with_grad(true);
            const Tensor row = at_angle(angle).requires_grad_(true);
            return torch::autograd::grad({log_p(*model, row).sum()}, {row})[0];
        };
        const Tensor here = log_p(*model, at_angle(-pi));
        CHECK(worst(here, log_p(*model, at_angle(pi))) < 1e-9);
        CHECK(worst(here, log_p(*model, at_angle(pi - 1e-12))) < 1e-9);
        CHECK(worst(log_p(*model, at_angle(1)), log_p(*model, at_angle(1 - 4 * pi))) < 1e-9);
        CHECK(worst(gradient(1), gradient(1 + 2 * pi)) < 1e-9);
        CHECK(worst(gradient(pi), gradient(-pi)) < 1e-9);
    }
}

TEST_CASE("angles that are drawn lie on the torus and come with their density") {
    const auto model = model_of(3);
    move(model->module(), 0.2);
    model->compute_in(at::kDouble);
    const Samples drawn = model->sample({500}, Rng(3));
    CHECK(drawn.x.abs().max().item<double>() < pi + 1e-6);
    const at::NoGradGuard no_grad;
    CHECK(worst(drawn.log_prob, log_p(*model, drawn.x)) < 1e-4);
    CHECK(drawn.x.slice(0, 100, 200)
              .allclose(model->sample({.n = 100, .first = 100}, Rng(3)).x, 0, 1e-6));
    CHECK(model->latent() == nullptr);
    FlowSampling cold;
    cold.temperature = 0.5;
    CHECK(testing::refusal([&] {
              make_circular_spline_flow({}, cold, {{Kind::real, {2}, 0}, {}});
          }) == "sample.temperature: expected 1 for a flow of angles, got 0.5");
    torch::nn::Module own;
    Rng rng(1);
    const auto uniform = make_base_distribution(angle_distributions(), own, "base", 2);
    CHECK(testing::refusal([&] { uniform->sample(3, 0.5, rng, at::kCPU); }) ==
          "sample.temperature: expected 1 for a uniform law, got 0.5");
    const Tensor u = uniform->sample(100000, 1, rng, at::kCPU);
    CHECK(u.min().item<double>() >= -pi - 1e-6);
    CHECK(u.max().item<double>() < pi);
    // five standard errors: a false alarm in 10^6
    CHECK(u.mean(0).abs().max().item<double>() < 5 * pi / std::sqrt(3e5));
    CHECK(worst(uniform->log_prob(u), at::zeros({100000}) - 2 * std::log(2 * pi)) < 1e-6);
}

TEST_CASE("a model of angles refuses scaled data, and another base") {
    const std::string text =
        "[data]\nsource = \"angles.csv\"\n[model]\nname = \"circular_spline\"\n";
    CHECK(testing::refusal([&] { parse_recipe(text, "r.toml"); }) ==
          "r.toml: data.scale: expected false for circular_spline, as its numbers are angles in "
          "radians, got true");
    CHECK(testing::refusal([&] { parse_recipe(text, "r.toml", {"data.scale=false"}); }) ==
          "not refused");
    CHECK(testing::refusal([&] {
              parse_recipe(text, "r.toml", {"data.scale=false", "model.base.name=\"normal\""});
          }).find("uniform") != std::string::npos);
    CHECK(catalogue_entry("spline").own_units.empty());
}

TEST_CASE("a flow of angles is fitted to von Mises' laws to within 0.03 nats of their entropy") {
    // a ~ vM(pi, 2), whose mode is the seam, b ~ vM(2 a + 1, 5)
    const auto entropy = [](double k) {
        const double i0 = std::cyl_bessel_i(0, k);
        return std::log(2 * pi * i0) - k * std::cyl_bessel_i(1, k) / i0;
    };
    // by the inverse of the distribution function on a grid
    const auto von_mises = [](double k, const Tensor& u) {
        const std::int64_t n = 20000;
        const Tensor x = (at::arange(n, at::kDouble) + 0.5) * (2 * pi / double(n)) - pi;
        const Tensor cdf = (k * x.cos()).exp().cumsum(0);
        const Tensor at = at::searchsorted(cdf / cdf[-1], u.contiguous()).clamp_max(n - 1);
        return x.index_select(0, at);
    };
    const auto draw = [&](std::int64_t n, Rng rng) {
        const Tensor u = rng.uniform({n, 2}, at::kDouble);
        const Tensor a = von_mises(2, u.select(1, 0)) + pi;
        const Tensor b = von_mises(5, u.select(1, 1)) + 2 * a + 1;
        return wrapped(at::stack({a, b}, 1)).to(at::kFloat);
    };
    at::manual_seed(1);
    const auto model = model_of(2, 32, 8);
    ParameterGroup group;
    for (const auto& p : model->module().named_parameters())
        group.parameters.emplace_back(p.key(), p.value());
    Optimiser optimiser({group}, {});
    const int steps = 500;
    for (int i = 0; i < steps; ++i) {
        optimiser.zero_grad();
        (-log_p(*model, draw(512, Rng(5).split(static_cast<std::uint64_t>(i)))).mean()).backward();
        optimiser.step(0.01 * (1 - double(i) / steps));
    }
    const at::NoGradGuard no_grad;
    const Tensor score = -log_p(*model, draw(40000, Rng(77)));
    const double gap = score.mean().item<double>() - entropy(2) - entropy(5);
    const double error = score.std().item<double>() / std::sqrt(40000.);
    CHECK(gap < 0.03);
    CHECK(gap > -5 * error);  // no law is shorter: a false alarm in 10^6
}
