#pragma once

#include "pushforward/audit/claim.hpp"

#include <memory>

namespace pushforward {

/// The likelihood by the probability-flow ODE (Song et al. 2021, eq. 39) of a network fitted to
/// points on a ring of normals: on fresh points it falls short of the exact log-density by at most
/// 0.10 nats, its integral by importance sampling is 1, and Hutchinson's trace is unbiased.
std::unique_ptr<Claim> make_flow_likelihood();

}  // namespace pushforward
