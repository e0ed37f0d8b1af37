#include "pushforward/math/ode.hpp"

#include "pushforward/base/errors.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <doctest/doctest.h>

#include <cmath>

using namespace pushforward;

TEST_CASE("Dormand and Prince's pair integrates what has a closed form") {
    // y' = -y + sin t: y = (y0 + 1/2) e^-t + (sin t - cos t) / 2; forwards and backwards
    std::int64_t calls = 0;
    const auto f = [&](const Tensor& t, const Tensor& y) {
        ++calls;
        return t.sin().unsqueeze(1) - y;
    };
    const Tensor y0 = at::tensor({-1.0, 0.0, 2.0}, at::kDouble).unsqueeze(1);
    const auto exact = [&](double t) {
        return (y0 + 0.5) * std::exp(-t) + (std::sin(t) - std::cos(t)) / 2;
    };
    const Tensor there = dormand_prince(f, y0, 0, 5, {1e-9, 1e-9});
    CHECK((there - exact(5)).abs().max().item<double>() < 1e-8);
    const auto fine = calls;
    CHECK((dormand_prince(f, there, 5, 0, {1e-9, 1e-9}) - y0).abs().max().item<double>() < 1e-6);
    calls = 0;
    const Tensor loose = dormand_prince(f, y0, 0, 5, {1e-3, 1e-3});
    CHECK((loose - exact(5)).abs().max().item<double>() < 1e-2);
    CHECK(calls < fine / 3);
    CHECK(dormand_prince(f, y0, 2, 2).equal(y0));
}

TEST_CASE("an ODE that runs away is an error, not a number") {
    const auto f = [](const Tensor&, const Tensor& y) { return y * y; };  // infinite at t = 1
    CHECK_THROWS_AS(dormand_prince(f, at::ones({1, 1}, at::kDouble), 0, 2), NumericalError);
    const auto stiff = [](const Tensor&, const Tensor& y) { return -1e6 * y; };
    CHECK_THROWS_AS(dormand_prince(stiff, at::ones({1, 1}, at::kDouble), 0, 10, {1e-6, 1e-6, 100}),
                    NumericalError);
}
