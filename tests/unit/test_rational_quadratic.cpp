#include "pushforward/core/rng.hpp"
#include "pushforward/kernels/rational_quadratic.hpp"
#include "support.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <doctest/doctest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

using namespace pushforward;
using testing::worst;

namespace {

struct Answer {
    Tensor y, log_slope, dx, dparameters;
};

/// A map and the gradients of a weighted sum of both of its answers.
template <class F>
Answer answer(F spline, const Tensor& x, const Tensor& parameters, bool inverse) {
    const at::AutoGradMode with_grad(true);
    const Tensor from = x.detach().clone().requires_grad_(true);
    const Tensor p = parameters.detach().clone().requires_grad_(true);
    const auto [y, l] = spline(from, p, 3.0, inverse);
    const Tensor weight = at::linspace(-1, 2, x.numel(), x.options()).view(x.sizes());
    const auto g =
        torch::autograd::grad({(weight * y).sum() + ((1 - weight) * l).sum()}, {from, p});
    return {y.detach(), l.detach(), g[0], g[1]};
}

}  // namespace

TEST_CASE("the fused spline equals its composition, both ways and backward") {
    for (const std::int64_t bins : {2, 8, 13})
        for (const bool inverse : {false, true}) {
            CAPTURE(bins);
            CAPTURE(inverse);
            Rng rng(4);
            const Tensor x = 2 * rng.normal({37, 3}, at::kDouble);  // an eighth lies outside
            const Tensor p = 1.5 * rng.normal({37, 3, 3 * bins - 1}, at::kDouble);
            const Answer a = answer(rational_quadratic, x, p, inverse);
            const Answer b = answer(rational_quadratic_plain, x, p, inverse);
            CHECK(worst(a.y, b.y) < 1e-12);
            CHECK(worst(a.log_slope, b.log_slope) < 1e-11);
            CHECK(worst(a.dx, b.dx) < 1e-9);
            CHECK(worst(a.dparameters, b.dparameters) < 1e-9);
            const Answer f =
                answer(rational_quadratic, x.to(at::kFloat), p.to(at::kFloat), inverse);
            CHECK(worst(f.y, b.y) < 1e-5);
            CHECK(worst(f.log_slope, b.log_slope) < 1e-4);
            CHECK(worst(f.dparameters, b.dparameters) <
                  2e-2 * b.dparameters.abs().max().item<double>());
            const at::NoGradGuard no_grad;
            CHECK(rational_quadratic(x, p, 3.0, inverse).first.equal(a.y));
        }
}

TEST_CASE("the fused spline of a circle equals its composition, both ways and backward") {
    for (const std::int64_t bins : {1, 2, 8, 13})
        for (const bool inverse : {false, true}) {
            CAPTURE(bins);
            CAPTURE(inverse);
            Rng rng(4);
            Tensor x = 6 * rng.uniform({37, 3}, at::kDouble) - 3;
            x[0] = -3.0;
            const Tensor p = 1.5 * rng.normal({37, 3, 3 * bins}, at::kDouble);
            const Answer a = answer(rational_quadratic, x, p, inverse);
            const Answer b = answer(rational_quadratic_plain, x, p, inverse);
            CHECK(worst(a.y, b.y) < 1e-12);
            CHECK(worst(a.log_slope, b.log_slope) < 1e-11);
            CHECK(worst(a.dx, b.dx) < 1e-9);
            CHECK(worst(a.dparameters, b.dparameters) < 1e-9);
            const at::NoGradGuard no_grad;
            CHECK(rational_quadratic(x, p, 3.0, inverse).first.equal(a.y));
            // both ends are one point with one slope, and what rounding left outside is there, too
            const Tensor ends = at::tensor({-3.0001, -3., 3., 3.0001}, at::kDouble).view({4, 1});
            const auto [y, l] = rational_quadratic(
                ends, p.slice(0, 0, 1).slice(1, 0, 1).expand({4, 1, 3 * bins}), 3.0, inverse);
            CHECK(worst(y.flatten(), at::tensor({-3., -3., 3., 3.}, at::kDouble)) < 1e-12);
            CHECK(worst(l, l[0]) < 1e-11);
            CHECK(std::abs(l[0].item<double>()) > 1e-2);
        }
}

TEST_CASE("a spline rises, ends at its corners, and leaves what is outside alone") {
    const Tensor p = 2 * Rng(5).normal({1, 1, 23}, at::kDouble);
    const Tensor x = at::linspace(-3, 3, 2001, at::kDouble).view({-1, 1});
    const auto [y, l] = rational_quadratic(x, p.expand({2001, 1, 23}), 3.0, false);
    CHECK((y.slice(0, 1) > y.slice(0, 0, -1)).all().item<bool>());
    CHECK(y.abs().max().item<double>() <= 3);
    // the slope's logarithm against a difference quotient in the middle of each step
    const Tensor slope = (y.slice(0, 1) - y.slice(0, 0, -1)) / 0.003;
    const Tensor middle = ((l.slice(0, 1) + l.slice(0, 0, -1)) / 2).exp();
    CHECK((slope / middle - 1).abs().median().item<double>() < 1e-4);
    const Tensor far = at::linspace(3, 300, 10, at::kDouble).view({-1, 1});
    const auto [same, zero] = rational_quadratic(far, p.expand({10, 1, 23}), 3.0, false);
    CHECK(same.equal(far));
    CHECK(zero.abs().max().item<double>() == 0);
    CHECK(testing::refusal(
              [] { rational_quadratic(at::zeros({2, 3}), at::zeros({2, 3, 25}), 3, false); }) ==
          "rational_quadratic: expected parameters [N, d, 3 K - 1] or [N, d, 3 K], got "
          "[2, 3, 25]");
}
