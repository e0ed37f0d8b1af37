#include "pushforward/core/rng.hpp"

#include <ATen/Parallel.h>
#include <doctest/doctest.h>
#include <torch/types.h>

#include <set>

using namespace pushforward;

TEST_CASE("row r of a draw depends on first_row + r alone") {
    Rng whole(5), part = Rng(5).rows_from(3);
    for (int draw = 0; draw < 3; ++draw) {
        const Tensor a = whole.normal({8, 3, 7}), b = part.normal({2, 3, 7});
        CHECK(torch::equal(a.slice(0, 3, 5), b));
    }
}

TEST_CASE("the bits do not depend on the number of threads") {
    const int before = at::get_num_threads();
    at::set_num_threads(1);
    const Tensor one = Rng(9).normal({3, 100000});
    at::set_num_threads(2);
    const Tensor two = Rng(9).normal({3, 100000});
    at::set_num_threads(before);
    CHECK(torch::equal(one, two));
}

TEST_CASE("streams and draws differ, equal generators agree") {
    Rng a(1);
    const Tensor first = a.normal({4, 5}), second = a.normal({4, 5});
    CHECK_FALSE(torch::equal(first, second));
    CHECK(torch::equal(first, Rng(1).normal({4, 5})));
    CHECK_FALSE(torch::equal(first, Rng(1).split(0).normal({4, 5})));
    CHECK_FALSE(torch::equal(Rng(1).split(0).normal({4, 5}), Rng(1).split(1).normal({4, 5})));
}

TEST_CASE("integers stay in their range and reach both ends") {
    const Tensor k = Rng(3).integers(-2, 5, {1000, 10});
    CHECK(k.min().item<std::int64_t>() == -2);
    CHECK(k.max().item<std::int64_t>() == 4);
    CHECK_THROWS(Rng(3).integers(2, 2, {1}));
}

TEST_CASE("a permutation holds every number once") {
    const auto p = Rng(4).permutation(1000);
    CHECK(std::set<std::int64_t>(p.begin(), p.end()).size() == 1000);
    CHECK(p != Rng(5).permutation(1000));
}
