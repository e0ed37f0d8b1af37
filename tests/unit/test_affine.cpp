// The fused affine map against the composition of ATen's operators.
#include "pushforward/core/rng.hpp"
#include "pushforward/kernels/affine.hpp"
#include "support.hpp"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>
#include <doctest/doctest.h>
#include <torch/csrc/autograd/autograd.h>

using namespace pushforward;
using testing::refusal;
using testing::worst;

namespace {

/// m and r side by side, or all m of a row before all r.
Tensor parameters_of(std::int64_t n, std::int64_t d, bool apart, at::ScalarType type) {
    Rng rng(5);
    const Tensor p = 3 * rng.normal({n, d, 2}, at::kDouble);
    return (apart ? p.transpose(1, 2).contiguous().transpose(1, 2) : p).to(type);
}

}  // namespace

TEST_CASE("the fused affine map is its composition, with its gradients") {
    for (const bool apart : {false, true})
        for (const bool inverse : {false, true})
            for (const std::int64_t d : {1, 3, 16, 37})
                for (const auto type : {at::kFloat, at::kDouble}) {
                    CAPTURE(apart);
                    CAPTURE(inverse);
                    CAPTURE(d);
                    CAPTURE(at::toString(type));
                    const double near = type == at::kDouble ? 1e-12 : 2e-5;
                    const at::AutoGradMode with_grad(true);
                    Rng rng(1);
                    const Tensor x = rng.normal({20, d}, at::kDouble).to(type).requires_grad_(true);
                    const Tensor p =
                        parameters_of(20, d, apart, type).detach().requires_grad_(true);
                    REQUIRE(p.is_contiguous() == (!apart || d == 1));
                    const auto [y, l] = affine(x, p, inverse);
                    const auto [y0, l0] = affine_plain(x, p, inverse);
                    const double scale = y0.abs().max().item<double>();
                    CHECK(worst(y, y0) < near * scale);
                    CHECK(worst(l, l0) < near * static_cast<double>(d));
                    const Tensor gy = rng.normal(y.sizes(), at::kDouble).to(type);
                    const Tensor gl = rng.normal(l.sizes(), at::kDouble).to(type);
                    const auto g = torch::autograd::grad({y, l}, {x, p}, {gy, gl});
                    const auto g0 = torch::autograd::grad({y0, l0}, {x, p}, {gy, gl});
                    for (std::size_t i = 0; i < 2; ++i)
                        CHECK(worst(g[i], g0[i]) < near * (1 + g0[i].abs().max().item<double>()));
                    const at::NoGradGuard no_grad;
                    CHECK(worst(affine(y.detach(), p.detach(), !inverse).first, x) < 5e-3);
                }
}

TEST_CASE("the fused affine map's gradient is differentiable, and parts may be missing") {
    const at::AutoGradMode with_grad(true);
    const Tensor x = Rng(1).normal({4, 3}, at::kDouble).requires_grad_(true);
    const Tensor p = parameters_of(4, 3, false, at::kDouble).detach().requires_grad_(true);
    const auto second = [&](auto map) {
        const Tensor s =
            torch::autograd::grad({map(x, p, false).first.square().sum()}, {x}, {}, true, true)[0];
        return torch::autograd::grad({s.square().sum()}, {p})[0];
    };
    CHECK(worst(second(affine), second(affine_plain)) < 1e-9);
    const auto only = torch::autograd::grad({affine(x, p, false).second.sum()}, {p})[0];
    CHECK(worst(only, torch::autograd::grad({affine_plain(x, p, false).second.sum()}, {p})[0]) <
          1e-12);
    CHECK(refusal([&] { affine(x, at::zeros({4, 3, 3}), false); }) ==
          "affine: expected parameters [N, d, 2], got [4, 3, 3]");
}
