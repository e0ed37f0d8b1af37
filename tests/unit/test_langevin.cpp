#include "pushforward/samplers/langevin.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros.h>
#include <doctest/doctest.h>

#include <cmath>

using namespace pushforward;

TEST_CASE("Langevin's algorithm has the bias of its step, and Metropolis takes it away") {
    // On N(0, 1 / lambda), lambda = 4, step .1: variance 1 / (4 (1 - .2)) = .3125 instead of .25.
    // 0.03 relative is 4.7 standard errors of a variance from 50,000 independent chains.
    const double lambda = 4, step = 0.1;
    const Tensor start = at::zeros({50000, 1}, at::kDouble);
    Rng rng(1);
    const Tensor plain =
        langevin([&](const Tensor& x) { return -lambda * x; }, start, step, 100, rng);
    CHECK(plain.var().item<double>() == doctest::Approx(0.3125).scale(0).epsilon(0.03));
    const auto log_p = [&](const Tensor& x) {
        return -0.5 * lambda * x.square().flatten(1).sum(1);
    };
    const Adjusted adjusted = adjusted_langevin(log_p, start, step, 100, rng);
    CHECK(adjusted.x.var().item<double>() == doctest::Approx(0.25).scale(0).epsilon(0.03));
    CHECK(adjusted.acceptance > 0.8);
    CHECK(adjusted.acceptance < 1);
    // A step far too long for the plain algorithm is refused often, and the law stays.
    const Adjusted bold = adjusted_langevin(log_p, start, 0.6, 400, rng);
    CHECK(bold.x.var().item<double>() == doctest::Approx(0.25).scale(0).epsilon(0.03));
    CHECK(bold.acceptance < 0.8);
}

TEST_CASE("adjusted chains keep the weights of two normals that a chain can cross between") {
    // 0.3 N(-1, .5^2) + 0.7 N(1, .5^2): 0.01 is 4.4 standard errors of a share of 40,000.
    const auto log_p = [](const Tensor& x) {
        const Tensor a = -2 * (x + 1).square(), b = -2 * (x - 1).square();
        return (0.3 * a.exp() + 0.7 * b.exp()).log().flatten(1).sum(1);
    };
    Rng rng(2);
    const Adjusted chain =
        adjusted_langevin(log_p, at::zeros({40000, 1}, at::kDouble), 0.3, 300, rng);
    // P(x < 0) = .3 Phi(2) + .7 Phi(-2)
    const double below = 0.5 * std::erfc(std::sqrt(2.0));
    const double expected = 0.3 * (1 - below) + 0.7 * below;
    const double share = (chain.x < 0).to(at::kDouble).mean().item<double>();
    CHECK(std::abs(share - expected) < 0.01);
}
