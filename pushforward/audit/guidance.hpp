#pragma once

#include "pushforward/audit/claim.hpp"

#include <memory>

namespace pushforward {

/// F10 and J14: classifier-free guidance (Ho & Salimans 2022) of a fitted denoiser gives the mean
/// and deviation of the probability-flow ODE with exact guided scores, for each strength gamma,
/// and those are not the moments of the tilted law p(x | c) p(c | x)^(gamma - 1).
std::unique_ptr<Claim> make_guidance();

}  // namespace pushforward
