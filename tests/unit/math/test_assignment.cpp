#include "pushforward/math/assignment.hpp"

#include "pushforward/core/rng.hpp"

#include "../support.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace pushforward;

namespace {

double cost_of(const Tensor& cost, const std::vector<std::int64_t>& columns) {
    double sum = 0;
    for (std::size_t i = 0; i < columns.size(); ++i)
        sum += cost[static_cast<std::int64_t>(i)][columns[i]].item<double>();
    return sum;
}

}  // namespace

TEST_CASE("the assignment is the cheapest of all permutations") {
    Rng rng(1);
    for (std::int64_t n = 1; n <= 7; ++n)
        for (int trial = 0; trial < 20; ++trial) {
            // small integers make ties; negative costs are costs, too
            const Tensor cost = trial % 2 ? rng.normal({n, n}, at::kDouble)
                                          : (rng.uniform({n, n}, at::kDouble) * 4).floor() - 2;
            std::vector<std::int64_t> columns(static_cast<std::size_t>(n));
            std::iota(columns.begin(), columns.end(), 0);
            double least = cost_of(cost, columns);
            while (std::next_permutation(columns.begin(), columns.end()))
                least = std::min(least, cost_of(cost, columns));
            auto found = assignment(cost);
            CHECK(cost_of(cost, found) == doctest::Approx(least).epsilon(1e-12));
            std::sort(found.begin(), found.end());
            for (std::int64_t i = 0; i < n; ++i) CHECK(found[static_cast<std::size_t>(i)] == i);
        }
}

TEST_CASE("on the line the cheapest assignment pairs the sorted points") {
    Rng rng(2);
    const Tensor x = rng.normal({300, 1}, at::kDouble), y = 2 + rng.normal({300, 1}, at::kDouble);
    const Tensor cost = squared_distances(x, y);
    const Tensor a = std::get<0>(x.flatten().sort()), b = std::get<0>(y.flatten().sort());
    CHECK(cost_of(cost, assignment(cost)) ==
          doctest::Approx((a - b).square().sum().item<double>()).epsilon(1e-10));
    CHECK(std::abs(cost[3][5].item<double>() -
                   std::pow(x[3].item<double>() - y[5].item<double>(), 2)) < 1e-12);
}

TEST_CASE("an assignment refuses what is no square of finite numbers") {
    CHECK(testing::refusal([] {
              assignment(at::zeros({2, 3}));
          }) == "assignment: expected a square cost, got [2, 3]");
    CHECK(testing::refusal([] {
              assignment(at::full({2, 2}, NAN));
          }) == "assignment: expected finite costs, got others");
}
