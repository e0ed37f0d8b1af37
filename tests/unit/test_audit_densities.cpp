#include "pushforward/audit/differential.hpp"
#include "pushforward/audit/two_normals.hpp"
#include "pushforward/math/jacobian.hpp"
#include "pushforward/simulators/catalogue.hpp"

#include <doctest/doctest.h>
#include <torch/types.h>

#include <cmath>
#include <numbers>

using namespace pushforward;

TEST_CASE("two normals in any dimension: density, score, entropy") {
    const TwoNormals law{0.3, 0.7, 0.5};
    const auto simulator = make_simulator("mixture", {{"dimension", "3"},
                                                      {"means", "-0.7,-0.7,-0.7,0.7,0.7,0.7"},
                                                      {"weights", "0.3,0.7"},
                                                      {"sigma", "0.5"}});
    const Tensor x = Rng(1).normal({20, 3}, torch::kDouble).requires_grad_(true);
    const Tensor log_p = log_density(law, x);
    CHECK((log_p - simulator->log_prob(x)).abs().max().item<double>() < 1e-12);
    log_p.sum().backward();
    CHECK((x.grad() - score(law, x)).abs().max().item<double>() < 1e-12);

    const double half_log = 0.5 * std::log(2 * std::numbers::pi * std::numbers::e);
    const TwoNormals one{0.3, 0, 0.5}, far{0.3, 100, 0.5};
    CHECK(entropy(one, 3) == doctest::Approx(3 * (half_log + std::log(0.5))));
    CHECK(kl_from_best_normal(one, 3) == doctest::Approx(0).scale(1).epsilon(1e-6));
    // far apart they are told with certainty, which is worth the entropy of the weights
    const double weights = -0.3 * std::log(0.3) - 0.7 * std::log(0.7);
    CHECK(entropy(far, 2) - entropy(one, 2) == doctest::Approx(weights).epsilon(1e-4));
    // 50,000 draws: the band of four standard errors is false once in 16,000 seeds
    const Mean mean = mean_of(-log_density(law, all_of(law.data(50000, 1, 3))));
    CHECK(std::abs(mean.value - entropy(law, 3)) < 4 * mean.standard_error);
}

TEST_CASE("autograd's Jacobian of rows, and a standard normal's log-density") {
    const Tensor w = torch::tensor({1., 2., 3., 4.}, torch::kDouble).view({2, 2});
    const Tensor x = Rng(2).normal({3, 2}, torch::kDouble);
    const auto map = [&](const Tensor& at) { return at.square().matmul(w.t()); };
    const Tensor j = linearise(map, x).jacobian;
    CHECK((j - 2 * w * x.unsqueeze(1)).abs().max().item<double>() < 1e-13);
    CHECK(standard_normal_log_density(torch::zeros({1, 2}, torch::kDouble)).item<double>() ==
          doctest::Approx(-std::log(2 * std::numbers::pi)));
}
