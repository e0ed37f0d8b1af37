#pragma once

#include "pushforward/bijections/coupling.hpp"

#include <string>

namespace pushforward {

/// How an ODE is solved: `steps` of Runge and Kutta's classical method of order 4, or with 0 as
/// many of Dormand and Prince's as hold `tolerance`, relative and absolute (in float64 1e-5 of it).
struct Integration {
    double tolerance = 1e-7;
    std::int64_t steps = 0;
};

/// y = x(1) with x(0) = x, dx/dt = f(x, t, context), f a perceptron with tanh (Chen et al. 2018).
/// The log-determinant is the same solver's integral of div f: that of the flow, and of the
/// discrete map up to the solver's error. With noise the divergence is estimated by one Hutchinson
/// probe a row, held over the trajectory (Grathwohl et al. 2019): unbiased for fixed steps, within
/// the tolerance for chosen ones. The inverse integrates backwards, as accurate. Gradients go
/// through the solver's steps.
std::unique_ptr<Bijection> make_continuous(torch::nn::Module& parent, const std::string& name,
                                           const LayerShape& shape, const Integration& integration);

}  // namespace pushforward
