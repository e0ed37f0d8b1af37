// Every bijection against its laws: the inverse, and the log-determinant of autograd's Jacobian.
#include "pushforward/bijections/bijection.hpp"
#include "pushforward/bijections/coupling.hpp"
#include "pushforward/bijections/elementwise.hpp"
#include "pushforward/bijections/image.hpp"
#include "pushforward/bijections/linear.hpp"
#include "pushforward/bijections/planar.hpp"
#include "pushforward/bijections/residual.hpp"
#include "pushforward/core/rng.hpp"
#include "pushforward/nn/conditioner.hpp"
#include "support.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_inv.h>
#include <ATen/ops/linalg_slogdet.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <doctest/doctest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/module.h>

#include <cmath>
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
        {"planar", [](auto& own, auto d) { return make_planar(own, "map", d, 0); }},
        {"planar by context",
         [](auto& own, auto d) { return make_planar(own, "map", d, kContext); }},
        {"radial by context",
         [](auto& own, auto d) { return make_radial(own, "map", d, kContext); }},
        {"sylvester of full rank",
         [](auto& own, auto d) { return make_sylvester(own, "map", d, 0, d); }},
        {"sylvester by context",
         [](auto& own, auto d) { return make_sylvester(own, "map", d, kContext, (d + 1) / 2); }},
        {"residual by context",
         [=](auto& own, auto d) { return make_residual(own, "map", shape(d), 0.9); }},
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

TEST_CASE("maps of pictures invert, and say the determinant of their Jacobian") {
    const std::vector<std::int64_t> event = {4, 4, 4};
    const auto coupling = [](Mask mask, bool odd, auto transformer) {
        return [=](torch::nn::Module& own) {
            return make_picture_coupling(own, "map", {4, kContext, 8, 2}, mask, odd, transformer());
        };
    };
    const auto spline = [] { return make_spline(5, 3.0); };
    const std::vector<
        std::pair<std::string, std::function<std::unique_ptr<Bijection>(torch::nn::Module&)>>>
        all = {
            {"flatten", [&](auto&) { return make_flatten(event); }},
            {"squeeze", [](auto&) { return make_squeeze(); }},
            {"act_norm", [](auto& own) { return make_act_norm(own, "map", 4); }},
            {"1 x 1 convolution", [](auto& own) { return make_lu_linear(own, "map", 4); }},
            {"coupling of channels", coupling(Mask::channels, false, make_affine)},
            {"odd coupling of channels", coupling(Mask::channels, true, make_affine)},
            {"coupling on a checkerboard", coupling(Mask::checkerboard, false, make_affine)},
            {"odd coupling on a checkerboard", coupling(Mask::checkerboard, true, spline)},
            {"split",
             [&](auto& own) {
                 std::vector<std::unique_ptr<Bijection>> links;
                 links.push_back(make_squeeze());
                 links.push_back(make_act_norm(own, "map", 8));
                 links.push_back(make_flatten({8, 2, 2}));
                 return make_split(std::make_unique<Chain>(std::move(links)));
             }},
            {"logit", [](auto&) { return make_logit(0.05); }},
    };
    for (const auto& [name, make] : all) {
        CAPTURE(name);
        torch::nn::Module own;
        const auto map = make(own);
        move(own, 0.1);
        Rng rng(1);
        Tensor x = 2 * rng.normal({6, 4, 4, 4}, at::kDouble);
        if (name == "logit") x = x.tanh();
        const Tensor context = rng.normal({6, kContext}, at::kDouble);
        const Mapped there = map->forward(x, context), back = map->inverse(there.y, context);
        CHECK(there.y.numel() == x.numel());
        CHECK(worst(back.y, x) < 1e-10);
        CHECK(worst(there.log_det, -back.log_det) < 1e-10);
        const Mapped single = map->forward(x.to(at::kFloat), context.to(at::kFloat));
        CHECK(worst(map->inverse(single.y, context.to(at::kFloat)).y, x) < 1e-3);
        for (const std::int64_t i : {0, 3}) {
            const at::AutoGradMode with_grad(true);
            const Tensor row = x.slice(0, i, i + 1).clone().requires_grad_(true);
            const Tensor y = map->forward(row, context.slice(0, i, i + 1)).y.flatten();
            std::vector<Tensor> rows;
            for (std::int64_t k = 0; k < y.size(0); ++k)
                rows.push_back(torch::autograd::grad({y[k]}, {row}, {}, true)[0].flatten());
            CHECK(worst(std::get<1>(at::linalg_slogdet(at::stack(rows))), there.log_det[i]) <
                  1e-10);
        }
        const bool conditional = name.find("coupling") != std::string::npos;
        const Tensor other = map->forward(x, at::zeros_like(context)).y;
        CHECK((worst(there.y, other) > 1e-4) == conditional);
        // a context of each pixel that says the same everywhere is that of the row
        if (conditional)
            CHECK(worst(map->forward(x, context.unsqueeze(2).unsqueeze(3).expand({-1, -1, 4, 4})).y,
                        there.y) < 1e-12);
    }
}

TEST_CASE("couplings of pictures keep what they ask") {
    Rng rng(4);
    const Tensor x = rng.normal({2, 3, 5, 4}, at::kDouble);
    for (const bool odd : {false, true}) {
        torch::nn::Module own;
        const auto channels =
            make_picture_coupling(own, "a", {3, 0, 8, 1}, Mask::channels, odd, make_affine());
        const auto board =
            make_picture_coupling(own, "b", {3, 0, 8, 1}, Mask::checkerboard, odd, make_affine());
        move(own);
        const Tensor same = channels->forward(x, {}).y == x;
        CHECK(same.narrow(1, odd ? 1 : 0, odd ? 2 : 1).all().item<bool>());
        CHECK(!same.narrow(1, odd ? 0 : 1, odd ? 1 : 2).any().item<bool>());
        const Tensor kept = board->forward(x, {}).y == x;
        for (std::int64_t i = 0; i < 5; ++i)
            for (std::int64_t j = 0; j < 4; ++j)
                CHECK(kept[0][1][i][j].item<bool>() == ((i + j) % 2 == (odd ? 1 : 0)));
    }
    torch::nn::Module own;
    CHECK(testing::refusal([&] {
              make_picture_coupling(own, "c", {1, 0, 8, 1}, Mask::channels, false, make_affine());
          }) == "c: expected at least two channels to couple, got 1");
    CHECK(testing::refusal([&] { make_squeeze()->forward(x, {}); }) ==
          "squeeze: expected even sides, got 5 x 4");
    CHECK(testing::refusal([&] { make_split(make_flatten({}))->forward(x, {}); }) ==
          "split: expected pictures with an even number of channels, got [2, 3, 5, 4]");
}

TEST_CASE("networks hear what lies far out, more and more faintly") {
    const Tensor x = at::tensor({-1e4, -9., -8., -3., 0., 8., 8.5, 600.}, at::kDouble);
    const Tensor heard = slow_beyond_data(x);
    for (std::int64_t i = 0; i < x.size(0); ++i) {
        const double at = x[i].item<double>(), far = std::abs(at);
        const double expected = far <= 8 ? at : std::copysign(8 + std::log(1 + far - 8), at);
        CHECK(heard[i].item<double>() == doctest::Approx(expected).epsilon(1e-12));
    }
    CHECK(slow_beyond_data(x.slice(0, 3, 5)).equal(x.slice(0, 3, 5)));
    CHECK(slow_beyond_data(at::zeros({3, 0})).numel() == 0);
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
                                 c.name.find("by context") != std::string::npos ||
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
    const Tensor x = Rng(3).normal({20, 5}, at::kDouble);
    Tensor j = at::zeros({5, 5}, at::kDouble);
    for (const auto& point : x.split(1)) j += jacobian(*map, point, {}).abs();
    CHECK(j.triu(1).abs().max().item<double>() == 0);
    for (std::int64_t i = 1; i < 5; ++i)  // not blind, either: somewhere each unit is active
        for (std::int64_t k = 0; k < i; ++k) CHECK(j[i][k].item<double>() > 1e-6);
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
    const Tensor pictures = constant.view({40, 100, 2, 2}).slice(1, 0, 4);
    norm->initialise(pictures, {});
    const Tensor channels = norm->forward(pictures, {}).y.transpose(0, 1).flatten(1);
    CHECK(worst(channels.mean(1), at::zeros({4})) < 1e-5);
    CHECK(worst(channels.std(1, false), at::ones({4})) < 1e-5);

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
