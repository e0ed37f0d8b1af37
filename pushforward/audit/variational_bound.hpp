#pragma once

#include "pushforward/audit/claim.hpp"

#include <memory>

namespace pushforward {

/// The variational bound of denoising diffusion on data N(0, 1) (Ho et al. 2020, eq. 5): with the
/// optimal predictor and the forward step's variance it is the entropy, log(2 pi e) / 2, for any
/// number of steps; with the posterior's variance it is higher by a sum in closed form. A fitted
/// network's bound, by the ordinary verb, comes within 0.02 nats of both.
std::unique_ptr<Claim> make_variational_bound();

}  // namespace pushforward
