#pragma once

#include "pushforward/audit/claim.hpp"

#include <memory>

namespace pushforward {

/// F14: along the forward process dH/dt = E div f + g^2 E |score|^2 / 2 (de Bruijn's identity;
/// Stam 1959), so that a fitted score gives the data's entropy: on the variance-preserving path
/// H_0 = H_T - int beta (E |score|^2 - d) / 2 dt with H_T that of the standard normal.
std::unique_ptr<Claim> make_entropy_production();

}  // namespace pushforward
