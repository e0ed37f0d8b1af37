#pragma once

#include "pushforward/audit/claim.hpp"

#include <memory>

namespace pushforward {

/// The epsilon-prediction loss on data N(0, lambda) (Ho et al. 2020, eq. 14) has the minimum
/// mean_k abar_k lambda / (abar_k lambda + 1 - abar_k), reached by
/// eps = sqrt(1 - abar_k) x_k / (abar_k lambda + 1 - abar_k); a fitted network comes within 0.002
/// of the optimal predictor on the same draws and not below it, and its predictions of x0,
/// epsilon, v and the score are conversions of one another.
std::unique_ptr<Claim> make_epsilon_loss();

}  // namespace pushforward
