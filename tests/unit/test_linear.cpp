#include "pushforward/core/rng.hpp"
#include "pushforward/kernels/linear.hpp"
#include "pushforward/kernels/product_cpu.hpp"
#include "support.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/linear.h>
#include <doctest/doctest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <functional>
#include <optional>
#include <vector>

using namespace pushforward;
using testing::worst;

namespace {

using Layer = std::function<Tensor(const Tensor& x, const Tensor& w, const Tensor& b)>;

Tensor plain(const Tensor& x, const Tensor& w, const Tensor& b) {
    return at::linear(x, w, b.defined() ? std::optional(b) : std::nullopt);
}

/// y, the gradients of sum(y^3), and those of the sum of their squares.
std::vector<Tensor> derivatives(const Layer& layer, const std::vector<Tensor>& values) {
    std::vector<Tensor> in;
    for (const auto& v : values) in.push_back(v.detach().clone().requires_grad_(true));
    const Tensor y = layer(in[0], in[1], in.size() > 2 ? in[2] : Tensor());
    auto all = torch::autograd::grad({y.pow(3).sum()}, in, {}, true, true);
    Tensor squares = (all[0].square().sum() + all[1].square().sum());
    const auto second = torch::autograd::grad({squares}, in, {}, {}, false, true);
    all.insert(all.end(), second.begin(), second.end());
    all.push_back(y);
    return all;
}

}  // namespace

TEST_CASE("a linear layer and its first and second derivatives, at every size and type") {
    // few rows and many; [2, 300, ...]: more than rows
    for (const auto& rows : std::vector<std::vector<std::int64_t>>{{5}, {600}, {2, 300}})
        for (const auto type : {at::kFloat, at::kDouble})
            for (const bool biased : {false, true}) {
                CAPTURE(rows.size());
                std::vector<std::int64_t> shape = rows;
                shape.push_back(70);
                const Rng rng(3);
                std::vector<Tensor> in = {rng.split(0).normal(shape, type),
                                          rng.split(1).normal({60, 70}, type) / 8};
                if (biased) in.push_back(rng.split(2).normal({60}, type));
                const auto ours = derivatives(linear_layer, in);
                for (auto& t : in) t = t.to(at::kDouble);
                const auto exact = derivatives(plain, in);
                REQUIRE(ours.size() == exact.size());
                const double eps = type == at::kFloat ? 2e-5 : 1e-12;
                for (std::size_t i = 0; i < ours.size(); ++i) {
                    REQUIRE(ours[i].defined() == exact[i].defined());
                    if (!exact[i].defined()) continue;
                    CHECK((ours[i].scalar_type() == type));
                    CHECK(worst(ours[i], exact[i]) < eps * exact[i].abs().max().item<double>());
                }
                const at::NoGradGuard no_grad;
                const Tensor bias = biased ? in[2] : Tensor();
                CHECK(worst(linear_layer(in[0].to(type), in[1].to(type),
                                         biased ? bias.to(type) : bias),
                            exact.back()) < eps * 10);
            }
}

TEST_CASE("products of every shape: tiles that are not full, terms in parts, transposed factors") {
    const Rng rng(5);
    for (const std::int64_t m : {2, 7, 16, 17, 70})
        for (const std::int64_t n : {1, 16, 17, 48, 49, 100})
            for (const std::int64_t k : {64, 255, 256, 700}) {
                CAPTURE(m);
                CAPTURE(n);
                CAPTURE(k);
                const Tensor a = rng.split(0).normal({m, k}), b = rng.split(1).normal({n, k});
                const Tensor exact = a.to(at::kDouble).matmul(b.to(at::kDouble).t());
                const double eps = 1e-6 * std::sqrt(double(k)) * 10;
                const Tensor y = linear_layer(a, b, {});
                CHECK(worst(y, exact) < eps);
                // other strides, the same sums
                CHECK(
                    at::equal(linear_layer(a.t().contiguous().t(), b.t().contiguous().t(), {}), y));
                // a row's bits do not depend on the rows beside it
                if (multiplies())
                    CHECK(at::equal(linear_layer(a.slice(0, m / 2), b, {}), y.slice(0, m / 2)));
            }
}

TEST_CASE("what a linear layer gives may be changed in place") {
    const Rng rng(6);
    const Tensor w = rng.split(1).normal({60, 70}).requires_grad_(true);
    for (const auto& rows : std::vector<std::vector<std::int64_t>>{{1}, {5}, {600}, {2, 300}}) {
        std::vector<std::int64_t> shape = rows;
        shape.push_back(70);
        Tensor y = linear_layer(rng.split(0).normal(shape), w, {});
        y.relu_();
        y.sum().backward();
        CHECK(w.grad().defined());
    }
}

TEST_CASE("a linear layer asks only for the gradients that are wanted") {
    const Rng rng(4);
    const Tensor x = rng.split(0).normal({600, 70}), b = rng.split(2).normal({60});
    const Tensor w = rng.split(1).normal({60, 70}).requires_grad_(true);
    linear_layer(x, w, b).sum().backward();
    CHECK(worst(w.grad(), x.sum(0).expand({60, 70})) < 1e-3);
    CHECK_FALSE(x.grad().defined());
    CHECK_FALSE(b.grad().defined());
    const Tensor frozen = w.detach(), point = x.clone().requires_grad_(true);
    linear_layer(point, frozen, {}).sum().backward();
    CHECK(worst(point.grad(), frozen.sum(0).expand({600, 70})) < 1e-3);
}
