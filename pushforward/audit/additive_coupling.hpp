#pragma once

#include "pushforward/audit/claim.hpp"

namespace pushforward {

/// C1: NICE: additive couplings leave volumes as they are, so the log-determinant is the sum of the
/// last scale's logarithms at every point, whatever the couplings do, and the inverse is exact.
std::unique_ptr<Claim> make_additive_coupling();

}  // namespace pushforward
