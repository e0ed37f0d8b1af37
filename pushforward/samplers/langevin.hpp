#pragma once

#include "pushforward/core/rng.hpp"

#include <functional>

namespace pushforward {

/// grad log p(x) of each row, x's shape.
using Score = std::function<Tensor(const Tensor& x)>;
/// log p(x) up to a constant of each row, [B], differentiable.
using LogDensity = std::function<Tensor(const Tensor& x)>;

/// n steps x <- x + step score(x) + sqrt(2 step) z: the unadjusted Langevin algorithm (Parisi 1981;
/// Roberts & Tweedie 1996). Its law is off by the step: on N(0, 1 / lambda) the variance is
/// 1 / (lambda (1 - step lambda / 2)).
Tensor langevin(const Score& score, Tensor x, double step, std::int64_t n, Rng& rng);

struct Adjusted {
    Tensor x;
    double acceptance;  ///< the share of proposals that were accepted
};
/// The same with each proposal accepted by Metropolis and Hastings' rule (MALA; Besag 1994; Roberts
/// & Tweedie 1996): exp(log p) is its law at any step.
Adjusted adjusted_langevin(const LogDensity& log_p, const Tensor& x, double step, std::int64_t n,
                           Rng& rng);

}  // namespace pushforward
