#include "pushforward/math/region.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/tensor.h>
#include <doctest/doctest.h>

#include <cmath>

#include "../support.hpp"

using namespace pushforward;

namespace {

/// The probability that the interval of n draws holds p, summed over the binomial law.
double coverage(std::int64_t n, double p) {
    double sum = 0;
    for (std::int64_t k = 0; k <= n; ++k) {
        const Share s = wilson_interval(k, n);
        const double a = double(k), b = double(n - k);
        if (s.low <= p && p <= s.high)
            sum += std::exp(std::lgamma(a + b + 1) - std::lgamma(a + 1) - std::lgamma(b + 1) +
                            a * std::log(p) + b * std::log1p(-p));
    }
    return sum;
}

}  // namespace

TEST_CASE("regions hold what they should, their edges too") {
    const Tensor x = at::tensor({0., 0., 1., 0., 0., 2., 1., 1.}).view({4, 1, 2});
    const auto held = [&](const Region& region) {
        std::vector<bool> out;
        const Tensor in = region(x);
        for (std::int64_t i = 0; i < 4; ++i) out.push_back(in[i].item<bool>());
        return out;
    };
    using Held = std::vector<bool>;
    CHECK(held(half_space(at::tensor({1., 1.}), 1)) == Held{true, true, false, false});
    CHECK(held(ball(at::tensor({0., 1.}), 1)) == Held{true, false, true, true});
    CHECK(held(box(at::tensor({0., -1.}), at::tensor({1., 1.}))) == Held{true, true, false, true});
    CHECK(measure_of(ball(at::tensor({0., 1.}), 1), x).value == 0.75);
    CHECK(testing::refusal([&] { ball(at::tensor({0.}), 1)(x); }) ==
          "ball: expected rows of 1 numbers, got 2");
    CHECK(testing::refusal([&] { box(at::tensor({0.}), at::tensor({0., 1.})); }) ==
          "box: expected 1 upper ends, got 2");
}

TEST_CASE("Wilson's interval") {
    // 8 of 10: the roots of (0.8 - p)^2 = 1.959964^2 p (1 - p) / 10
    const Share s = wilson_interval(8, 10);
    CHECK(s.low == doctest::Approx(0.4901625).epsilon(1e-6));
    CHECK(s.high == doctest::Approx(0.9433178).epsilon(1e-6));
    for (double p : {0.02, 0.2, 0.6827, 0.9})
        CHECK(coverage(1000, p) == doctest::Approx(0.95).scale(0).epsilon(0.01));
    CHECK(wilson_interval(0, 50).low == 0);
    CHECK(wilson_interval(50, 50).high == 1);
    CHECK(wilson_interval(50, 50).low > 0.9);
    CHECK(testing::refusal([] { wilson_interval(3, 2); }) ==
          "wilson_interval: expected 0 <= hits <= n and n >= 1, got 3 of 2");
}
