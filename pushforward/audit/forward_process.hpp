#pragma once

#include "pushforward/audit/claim.hpp"

#include <memory>

namespace pushforward {

/// The forward process of denoising diffusion on data N(0, lambda): noise added step by step is
/// the closed form q(x_k | x0) = N(sqrt(abar_k) x0, 1 - abar_k) (Ho et al. 2020, eq. 4), its
/// marginal falls strictly towards N(0, 1), and a network fitted by it has learned its levels.
std::unique_ptr<Claim> make_forward_process();

}  // namespace pushforward
