#include "pushforward/math/coarea.hpp"

#include "pushforward/base/errors.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <doctest/doctest.h>
#include <boost/math/special_functions/bessel.hpp>

#include <cmath>
#include <numbers>
#include <vector>

#include "../support.hpp"

using namespace pushforward;
using testing::worst;

namespace {

constexpr double pi = std::numbers::pi;

Tensor column(const std::vector<double>& values) {
    return at::tensor(values, at::kDouble).unsqueeze(1);
}
Tensor standard_normal(const Tensor& z) {
    return -0.5 * z.square().sum(1) - 0.5 * double(z.size(1)) * std::log(2 * pi);
}
Tensor product(const Tensor& z) {
    return z.prod(1, true);
}

}  // namespace

TEST_CASE("the product of two normals: open fibres of two pieces") {
    const std::vector<double> at = {-3, -0.2, 0.05, 0.5, 1, 4};
    std::vector<double> exact;
    for (double x : at) exact.push_back(std::log(boost::math::cyl_bessel_k(0, std::abs(x)) / pi));
    // two starts lead to the same piece
    const Tensor starts = at::tensor({1., 1., -1., -1., 1., -1., -1., 1., 0.5, 2.}).view({5, 2});
    const Tensor log_p = coarea_log_density(product, standard_normal, column(at), starts);
    CHECK(worst(log_p, at::tensor(exact, at::kDouble)) < 1e-8);
    // one piece alone is half of it
    const Tensor half =
        coarea_log_density(product, standard_normal, column({0.5}), starts.slice(0, 0, 1));
    CHECK(half.item<double>() == doctest::Approx(exact[3] - std::log(2)).epsilon(1e-9));
}

TEST_CASE("the squared radius of normals: closed fibres, once around") {
    const Tensor x = column({0.1, 1, 5});
    const Tensor starts = at::tensor({1., 0.1, -1., 0.2, 0.3, -2.}).view({3, 2});
    const Tensor log_p = coarea_log_density([](const Tensor& z) { return z.square().sum(1, true); },
                                            standard_normal, x, starts);
    CHECK(worst(log_p, (-0.5 * x - std::log(2)).squeeze(1)) < 1e-8);
    CHECK(coarea_log_density([](const Tensor& z) { return z.square().sum(1, true); },
                             standard_normal, -x, starts)
              .equal(at::tensor({-INFINITY, -INFINITY, -INFINITY}, at::kDouble)));
}

TEST_CASE("three numbers to two") {
    // (z1^2 + z2^2, z3 + z1): given z1 and z2 the second is normal around z1
    const Map map = [](const Tensor& z) {
        const Tensor a = z.select(1, 0), b = z.select(1, 1), c = z.select(1, 2);
        return at::stack({a.square() + b.square(), c + a}, 1);
    };
    const Tensor x = at::tensor({0.5, 0.3, 2., -1.}, at::kDouble).view({2, 2});
    const Tensor starts = at::tensor({1., 0.2, 0., -1., 0.4, 1.}).view({2, 3});
    // the mean over the angle, which the trapezoidal rule gives to rounding
    std::vector<double> exact;
    for (int i = 0; i < 2; ++i) {
        const double s = x[i][0].item<double>(), y = x[i][1].item<double>();
        double mean = 0;
        for (int j = 0; j < 200; ++j) {
            const double off = y - std::sqrt(s) * std::cos(2 * pi * j / 200);
            mean += std::exp(-0.5 * off * off) / std::sqrt(2 * pi) / 200;
        }
        exact.push_back(-0.5 * s - std::log(2) + std::log(mean));
    }
    CHECK(worst(coarea_log_density(map, standard_normal, x, starts),
                at::tensor(exact, at::kDouble)) < 1e-8);
}

TEST_CASE("what the coarea formula refuses") {
    CHECK(testing::refusal([] {
              coarea_log_density(product, standard_normal, column({1}),
                                 at::tensor({1., 1., 1.}).view({1, 3}));
          }) == "coarea formula: expected 2 latent numbers for images in R^1, got 3");
    FibreOptions short_ones;
    short_ones.longest = 2;
    CHECK_THROWS_AS(coarea_log_density(product, standard_normal, column({1}),
                                       at::tensor({1., 1.}).view({1, 2}), short_ones),
                    NumericalError);
}
