// Every bijection against its laws: the inverse, and the log-determinant of autograd's Jacobian.
#include "pushforward/bijections/bijection.hpp"
#include "pushforward/bijections/coupling.hpp"
#include "pushforward/bijections/elementwise.hpp"
#include "pushforward/bijections/linear.hpp"
#include "pushforward/core/rng.hpp"
#include "support.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_inv.h>
#include <ATen/ops/linalg_slogdet.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <doctest/doctest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/module.h>

#include <functional>
#include <limits>
#include <string>
#include <vector>

using namespace pushforward;
using testing::worst;

namespace {

constexpr std::int64_t kContext = 3;

struct Case {
    std::string name;
    std::function<std::unique_ptr<Bijection>(torch::nn::Module&, std::int64_t d)> make;
};

std::vector<Case> cases() {
    const auto shape = [](std::int64_t d) { return LayerShape{d, kContext, 16, 2}; };
    const auto coupling = [shape](bool odd, auto transformer) {
        return [=](torch::nn::Module& own, std::int64_t d) {
            return make_coupling(own, "map", shape(d), odd, transformer());
        };
    };
    const auto autoregressive = [shape](auto transformer) {
        return [=](torch::nn::Module& own, std::int64_t d) {
            return make_autoregressive(own, "map", shape(d), transformer());
        };
    };
    const auto spline = [] { return make_spline(5, 3.0); };
    return {
        {"act_norm", [](auto& own, auto d) { return make_act_norm(own, "map", d); }},
        {"scale", [](auto& own, auto d) { return make_scale(own, "map", d); }},
        {"asinh", [](auto& own, auto d) { return make_asinh(own, "map", d); }},
        {"reversal", [](auto&, auto d) { return make_reversal(d); }},
        {"permutation", [](auto& own, auto d) { return make_permutation(own, "map", d); }},
        {"lu_linear", [](auto& own, auto d) { return make_lu_linear(own, "map", d); }},
        {"additive coupling", coupling(false, make_additive)},
        {"affine coupling", coupling(true, make_affine)},
        {"spline coupling", coupling(false, spline)},
        {"affine autoregression", autoregressive(make_affine)},
        {"spline autoregression", autoregressive(spline)},
        {"inverse autoregression",
         [autoregressive](auto& own, auto d) -> std::unique_ptr<Bijection> {
             return std::make_unique<Inverted>(autoregressive(make_affine)(own, d));
         }},
        {"chain",
         [=](auto& own, auto d) -> std::unique_ptr<Bijection> {
             std::vector<std::unique_ptr<Bijection>> links;
             links.push_back(make_asinh(own, "first", d));
             links.push_back(make_lu_linear(own, "second", d));
             links.push_back(make_coupling(own, "third", shape(d), false, spline()));
             return std::make_unique<Chain>(std::move(links));
         }},
    };
}

/// Parameters away from where they begin.
void move(torch::nn::Module& module, double by = 0.3) {
    const at::NoGradGuard no_grad;
    Rng rng(6);
    for (auto& p : module.parameters()) p.add_(by * rng.normal(p.sizes()));
}

Tensor jacobian(const Bijection& map, const Tensor& row, const Tensor& context) {
    const at::AutoGradMode with_grad(true);
    const Tensor x = row.detach().clone().requires_grad_(true);
    const Tensor y = map.forward(x, context).y;
    std::vector<Tensor> rows;
    for (std::int64_t i = 0; i < y.size(1); ++i)
        rows.push_back(torch::autograd::grad({y.select(1, i).sum()}, {x}, {}, true)[0][0]);
    return at::stack(rows);
}

}  // namespace

TEST_CASE("bijections invert, and say the determinant of their Jacobian") {
    for (const auto& c : cases())
        for (const std::int64_t d : {1, 2, 5}) {
            CAPTURE(c.name);
            CAPTURE(d);
            torch::nn::Module own;
            const auto map = c.make(own, d);
            move(own);
            Rng rng(1);
            const std::int64_t n = 40;
            // to six deviations and beyond, where tails are linear, and a hundred times that
            const Tensor near = 2 * rng.normal({n, d}, at::kDouble);
            const Tensor x = at::cat({near, 3 * near, 100 * near});
            const Tensor context = rng.normal({3 * n, kContext}, at::kDouble);
            const Mapped there = map->forward(x, context), back = map->inverse(there.y, context);
            CHECK(worst(there.log_det, -back.log_det) < 1e-7);
            // in float32, as it is used
            const Mapped single = map->forward(x.to(at::kFloat), context.to(at::kFloat));
            const Tensor again = map->inverse(single.y, context.to(at::kFloat)).y;
            // what rounding of y alone leaves of x: eps |J^-1| |y|
            const auto off = [&](const Tensor& round_trip, std::int64_t i, double known) {
                return (round_trip[i] - x[i]).abs().max().item<double>() / known;
            };
            for (const std::int64_t i : {0L, 1L, n, n + 1, 2 * n}) {
                const Tensor j = jacobian(*map, x.slice(0, i, i + 1), context.slice(0, i, i + 1));
                CHECK(worst(std::get<1>(at::linalg_slogdet(j)), there.log_det[i]) < 1e-10);
                const double known = 1 + x[i].abs().max().item<double>() +
                                     at::linalg_inv(j).norm().item<double>() *
                                         (1 + there.y[i].abs().max().item<double>());
                CHECK(off(back.y, i, known) < 100 * std::numeric_limits<double>::epsilon());
                CHECK(off(again, i, known) < 100 * std::numeric_limits<float>::epsilon());
            }
        }
}

TEST_CASE("the context moves what depends on it, and gradients reach all parameters") {
    for (const auto& c : cases()) {
        CAPTURE(c.name);
        torch::nn::Module own;
        const auto map = c.make(own, 4);
        move(own);
        Rng rng(1);
        const Tensor x = rng.normal({20, 4}, at::kDouble);
        const Tensor context = rng.normal({20, kContext}, at::kDouble);
        const Mapped y = map->forward(x, context);
        const bool conditional = c.name.find("coupling") != std::string::npos ||
                                 c.name.find("autoregression") != std::string::npos ||
                                 c.name == "chain";
        CHECK((worst(y.y, map->forward(x, at::zeros_like(context)).y) > 1e-3) == conditional);
        CHECK(
            map->forward(x.slice(0, 3, 5), context.slice(0, 3, 5)).y.allclose(y.y.slice(0, 3, 5)));
        if (own.parameters().empty()) continue;
        (y.y.square().sum() + y.log_det.square().sum()).backward();
        for (const auto& p : own.named_parameters()) {
            CAPTURE(p.key());
            REQUIRE(p.value().grad().defined());
            CHECK(p.value().grad().abs().sum().item<double>() > 0);
        }
        // the inverse, too, is differentiable: d x / d y is 1 / (d y / d x)
        const at::AutoGradMode with_grad(true);
        const Tensor at_y = y.y.slice(0, 0, 1).detach().requires_grad_(true);
        const Tensor back = map->inverse(at_y, context.slice(0, 0, 1)).y;
        std::vector<Tensor> rows;
        for (std::int64_t i = 0; i < 4; ++i)
            rows.push_back(
                torch::autograd::grad({back.select(1, i).sum()}, {at_y}, {}, true)[0][0]);
        const Tensor product =
            at::stack(rows).matmul(jacobian(*map, x.slice(0, 0, 1), context.slice(0, 0, 1)));
        CHECK(worst(product, at::eye(4, at::kDouble)) < 1e-9);
    }
}

TEST_CASE("an autoregression sees what came before, and nothing else") {
    torch::nn::Module own;
    const auto map = make_autoregressive(own, "map", {5, 0, 30, 2}, make_affine());
    move(own);
    const Tensor j = jacobian(*map, Rng(3).normal({1, 5}, at::kDouble), {});
    CHECK(j.triu(1).abs().max().item<double>() == 0);
    for (std::int64_t i = 1; i < 5; ++i)  // not blind, either
        for (std::int64_t k = 0; k < i; ++k) CHECK(j[i][k].abs().item<double>() > 1e-6);
}

TEST_CASE("what begins from data begins there") {
    Rng rng(2);
    const Tensor x = 3 + 5 * rng.normal({4000, 3});
    const Tensor constant = at::cat({x, at::ones({4000, 1})}, 1);
    torch::nn::Module own;
    const auto norm = make_act_norm(own, "norm", 4);
    norm->initialise(constant, {});
    const Tensor y = norm->forward(constant, {}).y;
    CHECK(worst(y.mean(0), at::zeros({4})) < 1e-5);
    CHECK(worst(y.std(0, false).slice(0, 0, 3), at::ones({3})) < 1e-5);
    CHECK(y.isfinite().all().item<bool>());

    const auto asinh = make_asinh(own, "asinh", 3);
    asinh->initialise(x, {});
    const Tensor z = asinh->forward(x, {}).y;
    CHECK(z.median().abs().item<double>() < 0.05);
    CHECK(z.std().item<double>() == doctest::Approx(0.75).epsilon(0.1));  // of asinh of a normal

    // in a chain each link is told of what arrives at it
    std::vector<std::unique_ptr<Bijection>> links;
    links.push_back(make_asinh(own, "a", 3));
    links.push_back(make_act_norm(own, "b", 3));
    Chain chain(std::move(links));
    chain.initialise(x, {});
    CHECK(worst(chain.forward(x, {}).y.std(0, false), at::ones({3})) < 1e-5);
}

TEST_CASE("with parameters of zero a transformer is the identity") {
    const Tensor x = 4 * Rng(1).normal({50, 3}, at::kDouble);
    for (const auto& transformer : {make_additive(), make_affine(), make_spline(8, 3.0)}) {
        const Mapped y =
            transformer->forward(x, at::zeros({50, 3, transformer->parameters()}, at::kDouble));
        CHECK(worst(y.y, x) < 1e-12);
        CHECK(y.log_det.abs().max().item<double>() < 1e-12);
    }
}
