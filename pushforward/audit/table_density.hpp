#pragma once

#include "pushforward/audit/claim.hpp"

namespace pushforward {

/// C4: the shipped recipe for tables, on two laws in 21 dimensions with correlations, modes and
/// heavy tails whose density is known: its density is close to theirs, never above it on average,
/// and integrates to one by importance sampling.
std::unique_ptr<Claim> make_table_density();

}  // namespace pushforward
