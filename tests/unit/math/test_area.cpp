#include "pushforward/math/area.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>
#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

#include "../support.hpp"

using namespace pushforward;
using testing::refusal;
using testing::worst;

namespace {

constexpr double pi = std::numbers::pi;

Tensor column(double from, double to, std::int64_t n) {
    return at::linspace(from, to, n, at::kDouble).unsqueeze(1);
}
Tensor standard_normal(const Tensor& z) {
    return -0.5 * z.square().sum(1) - 0.5 * double(z.size(1)) * std::log(2 * pi);
}
Tensor circle(const Tensor& z) {
    return at::cat({z.cos(), z.sin()}, 1);
}
Tensor pairs(const Tensor& axis) {
    return at::stack({axis.repeat_interleave(axis.size(0)), axis.repeat({axis.size(0)})}, 1);
}

}  // namespace

TEST_CASE("Jacobians, also of outputs that do not heed the input") {
    const Tensor z = at::tensor({1., 2., 3., -1.}, at::kDouble).view({2, 2});
    const Linearised at = linearise(
        [](const Tensor& p) {
            const Tensor a = p.select(1, 0), b = p.select(1, 1);
            return at::stack({a * b, a.square(), at::ones_like(a), b.sin()}, 1);
        },
        z);
    CHECK(at.value[1].equal(at::tensor({-3., 9., 1., std::sin(-1.)}, at::kDouble)));
    CHECK(worst(at.jacobian[0],
                at::tensor({2., 1., 2., 0., 0., 0., 0., std::cos(2.)}, at::kDouble).view({4, 2})) <
          1e-15);
    CHECK(refusal([&] { linearise([](const Tensor& p) { return p.sum(1); }, z); }) ==
          "a map's values: expected [2, d], got [2]");
}

TEST_CASE("densities of many-to-one maps are sums over the preimages") {
    const Tensor x = column(0.01, 9, 200), starts = at::tensor({-2., 0.5, 3.}).unsqueeze(1);
    const auto density = [&](const Map& map) {
        return pushforward_log_density(map, standard_normal, x, starts, Reference::lebesgue);
    };
    const Tensor at = x.squeeze(1);
    // z^2: chi-square of one degree; |z|: half normal
    CHECK(worst(density([](const Tensor& z) { return z.square(); }),
                -0.5 * at - 0.5 * (2 * pi * at).log()) < 1e-8);
    CHECK(worst(density([](const Tensor& z) { return z.abs(); }),
                -0.5 * at.square() + 0.5 * std::log(2 / pi)) < 1e-8);
    // one branch alone is short by log 2, and outside of the image there is nothing
    const Tensor one =
        pushforward_log_density([](const Tensor& z) { return z.square(); }, standard_normal, x,
                                starts.slice(0, 2), Reference::lebesgue);
    CHECK(worst(one, -0.5 * at - 0.5 * (2 * pi * at).log() - std::log(2)) < 1e-8);
    const Tensor none = pushforward_log_density([](const Tensor& z) { return z.square(); },
                                                standard_normal, -x, starts, Reference::lebesgue);
    CHECK((none == -INFINITY).all().item<bool>());
}

TEST_CASE("the complex square of a normal pair") {
    const Map square = [](const Tensor& z) {
        const Tensor a = z.select(1, 0), b = z.select(1, 1);
        return at::stack({a.square() - b.square(), 2 * a * b}, 1);
    };
    const Tensor w = pairs(at::linspace(-4.1, 4, 20, at::kDouble));
    const Tensor starts = at::tensor({1., 0.2, -1., 0.3, 0.1, 1.5, 0.2, -1.5}).view({4, 2});
    const Tensor r = w.square().sum(1).sqrt();
    CHECK(worst(pushforward_log_density(square, standard_normal, w, starts, Reference::lebesgue),
                -0.5 * r - (4 * pi * r).log()) < 1e-8);
    const Preimages both = preimages(square, w, starts);
    CHECK(both.row.equal(at::arange(400).repeat_interleave(2)));
    CHECK(worst(square(both.z), w.repeat_interleave(2, 0)) < 1e-12);
}

TEST_CASE("densities on a circle and a torus, with respect to length and area") {
    const Tensor angle = column(-3, 3, 61), at = circle(angle);
    Tensor wrapped = at::zeros_like(angle);
    for (int turn = -6; turn <= 6; ++turn)
        wrapped = wrapped + (-0.5 * (angle + 2 * pi * turn).square()).exp() / std::sqrt(2 * pi);
    const Tensor starts = column(-20, 20, 60);
    CHECK(worst(pushforward_log_density(circle, standard_normal, at, starts, Reference::hausdorff),
                wrapped.log().squeeze(1)) < 1e-8);
    // off the circle the law has no mass
    CHECK((pushforward_log_density(circle, standard_normal, 1.001 * at, starts,
                                   Reference::hausdorff) == -INFINITY)
              .all()
              .item<bool>());

    const double R = 2, r = 0.7;
    const Map torus = [&](const Tensor& z) {
        const Tensor u = z.select(1, 0), v = z.select(1, 1), ring = R + r * v.cos();
        return at::stack({ring * u.cos(), ring * u.sin(), r * v.sin()}, 1);
    };
    const LogDensity uniform = [](const Tensor& z) {
        const Tensor inside = (z.abs() <= pi).all(1);
        const Tensor level = at::full_like(z.select(1, 0), -2 * std::log(2 * pi));
        return at::where(inside, level, at::full_like(level, -INFINITY));
    };
    const Tensor uv = pairs(at::linspace(-3, 3, 12, at::kDouble));
    const Tensor exact = -(4 * pi * pi * r * (R + r * uv.select(1, 1).cos())).log();
    CHECK(worst(area_log_density(torus, uv, uniform(uv), Reference::hausdorff), exact) < 1e-12);
    CHECK(worst(pushforward_log_density(torus, uniform, torus(uv),
                                        pairs(at::linspace(-2.8, 2.7, 6, at::kDouble)),
                                        Reference::hausdorff),
                exact) < 1e-8);
}

TEST_CASE("a singular law has no log-density with respect to Lebesgue measure") {
    const Tensor z = at::ones({1, 1}, at::kDouble);
    const std::string why =
        "no log-density with respect to Lebesgue measure: 1 latent numbers fill a set of measure "
        "zero in R^2, so that the law is singular; it has one with respect to the 1-dimensional "
        "Hausdorff measure";
    CHECK(refusal([&] { area_log_density(circle, z, standard_normal(z), Reference::lebesgue); }) ==
          why);
    CHECK(refusal([&] {
              pushforward_log_density(circle, standard_normal, circle(z), z, Reference::lebesgue);
          }) == why);
    const Tensor two = at::ones({1, 2}, at::kDouble);
    CHECK(refusal([&] {
              area_log_density([](const Tensor& p) { return p.sum(1, true); }, two,
                               standard_normal(two), Reference::hausdorff);
          }) ==
          "area formula: expected at most 1 latent numbers for images in R^1, got 2: fibres "
          "are integrated over by coarea_log_density");
    CHECK(refusal([&] { preimages(circle, z, z); }) ==
          "preimages: expected a map to 1 numbers, got 2");
}
