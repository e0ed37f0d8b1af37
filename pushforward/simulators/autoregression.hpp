#pragma once

#include "pushforward/base/fields.hpp"
#include "pushforward/core/simulator.hpp"

#include <memory>

namespace pushforward {

/// `sim:autoregression`: a stationary Gaussian AR(p), x_t = a_1 x_{t-1} + ... + a_p x_{t-p} +
/// deviation e_t with e_t ~ N(0, 1). The first p numbers have the stationary covariance, the
/// solution of Yule (1927) and Walker's (1931) equations.
struct AutoregressionOptions : Options {
    Fields::Numbers coefficients = {0.75, -0.5};  ///< a_1, ..., a_p
    double deviation = 1;                         ///< of the noise
    std::int64_t length = 64;
    void visit(Fields& f) override;
};

/// Vectors of `length` numbers. UsageError where there are no coefficients, more than `length`, or
/// such as no stationary process has.
std::unique_ptr<Simulator> make_autoregression(const AutoregressionOptions& options);

/// h(x_t | x_{t-1}, x_{t-2}, ...) = log(2 pi e deviation^2) / 2 in nats.
double entropy_rate(const AutoregressionOptions& options);
/// E[-log p(x)] of an item in nats.
double entropy(const AutoregressionOptions& options);

}  // namespace pushforward
