#include "pushforward/audit/truth.hpp"
#include "pushforward/base/recipe_text.hpp"
#include "pushforward/simulators/autoregression.hpp"
#include "tests/unit/support.hpp"

#include <doctest/doctest.h>
#include <torch/types.h>

#include <cmath>
#include <numbers>

using namespace pushforward;
using namespace pushforward::testing;

namespace {

AutoregressionOptions autoregression(Fields::Numbers coefficients, double deviation,
                                     std::int64_t length) {
    AutoregressionOptions o;
    o.coefficients = std::move(coefficients);
    o.deviation = deviation;
    o.length = length;
    return o;
}

}  // namespace

TEST_CASE("autoregression: the density is the normal's whose covariance sums the impulses") {
    for (const auto& o :
         {AutoregressionOptions{}, autoregression({0.9}, 0.5, 1), autoregression({-0.6}, 2, 7),
          autoregression({0.3, 0.2, -0.4, 0.1}, 1.5, 10)}) {
        // x_t = sum_k psi_k e_{t-k}: gamma_k = deviation^2 sum_m psi_m psi_{m+k}
        std::vector<double> psi = {1};
        while (psi.size() < 1000) {
            double next = 0;
            for (std::size_t j = 0; j < o.coefficients.size() && j < psi.size(); ++j)
                next += o.coefficients[j] * psi[psi.size() - 1 - j];
            psi.push_back(next);
        }
        const Tensor impulse = torch::tensor(psi, torch::kDouble);
        std::vector<double> gamma;
        for (std::int64_t k = 0; k < o.length; ++k)
            gamma.push_back(
                o.deviation * o.deviation *
                (impulse.narrow(0, 0, 900) * impulse.narrow(0, k, 900)).sum().item<double>());
        const Tensor i = torch::arange(o.length);
        const Tensor covariance =
            torch::tensor(gamma, torch::kDouble).take((i.unsqueeze(1) - i).abs());
        const auto s = make_autoregression(o);
        const Tensor x = s->batch(0, 4000, 9).x.to(torch::kDouble);
        const Tensor square = (x.matmul(torch::linalg_inv(covariance)) * x).sum(1);
        const double log_det = std::get<1>(torch::linalg_slogdet(covariance)).item<double>();
        const auto d = static_cast<double>(o.length);
        const Tensor expected = -0.5 * (square + log_det + d * std::log(2 * std::numbers::pi));
        CHECK(worst(s->log_prob(x), expected) < 1e-9);
        const double full =
            0.5 * log_det + 0.5 * d * std::log(2 * std::numbers::pi * std::numbers::e);
        CHECK(entropy(o) == doctest::Approx(full).epsilon(1e-12));
        // x^T S^-1 x is chi square of `length` degrees; one false alarm in 10,000 each
        std::vector<double> values(square.data_ptr<double>(), square.data_ptr<double>() + 4000);
        CHECK(kolmogorov_p(
                  ks_distance(values, [&](double v) { return 1 - chi_square_p(v, o.length); }),
                  4000) > 1e-4);
        // the mean of x x^T is S within 5 standard errors: at most 2,080 entries, together one
        // false alarm in 800
        const Tensor mean = x.t().matmul(x) / 4000.0, variance = covariance.diagonal();
        const Tensor spread =
            ((variance.unsqueeze(1) * variance + covariance.square()) / 4000.0).sqrt();
        CHECK(((mean - covariance) / spread).abs().max().item<double>() < 5);
    }
    CHECK(std::abs(entropy_rate(AutoregressionOptions{}) - 1.4189) < 5e-5);
    CHECK(entropy(autoregression({0.9}, 0.5, 9)) - entropy(autoregression({0.9}, 0.5, 8)) ==
          doctest::Approx(entropy_rate(autoregression({0.9}, 0.5, 8))).epsilon(1e-12));
}

TEST_CASE("autoregression: options by their names, and what cannot be is refused") {
    AutoregressionOptions a;
    apply_text_values(a, {{"coefficients", "0.5,0.1"}, {"deviation", "2"}, {"length", "9"}},
                      "sim:autoregression");
    CHECK(entropy(a) == entropy(autoregression({0.5, 0.1}, 2, 9)));
    CHECK_THROWS_AS(apply_text_values(a, {{"deviation", "0"}}, ""), UsageError);
    CHECK(refusal([] { make_autoregression(autoregression({}, 1, 8)); }) ==
          "sim:autoregression: coefficients: expected at least one number, got none");
    CHECK(refusal([] { make_autoregression(autoregression({0.1, 0.1}, 1, 1)); }) ==
          "sim:autoregression: coefficients: expected at most length = 1 numbers, got 2");
    // AR(2) is stationary in the triangle a_2 > -1, a_1 + a_2 < 1, a_2 - a_1 < 1
    for (const Fields::Numbers& set :
         std::vector<Fields::Numbers>{{1}, {-1.1}, {0.6, 0.41}, {-0.6, 0.41}, {0.1, -1.01}, {NAN}})
        CHECK(refusal([&] { make_autoregression(autoregression(set, 1, 8)); }) ==
              "sim:autoregression: coefficients: expected those of a stationary process, got "
              "others");
    for (const Fields::Numbers& set :
         std::vector<Fields::Numbers>{{0.6, 0.39}, {-0.6, 0.39}, {1.9, -0.99}})
        CHECK_NOTHROW(make_autoregression(autoregression(set, 1, 8)));
}
