#pragma once

#include "pushforward/audit/claim.hpp"

#include <memory>

namespace pushforward {

/// A17: the likeliest point is not a typical one. For N(0, s^2 I_d) log p(0) exceeds its mean by
/// d / 2 nats: a fitted flow ranks points near 0 above all data, and a typicality test, |log p(x) -
/// E log p| against its quantile on data (Nalisnick et al. 2019), flags them. On sprites static
/// noise is told by likelihood and typicality; the ratio to another model (Ren et al. 2019) and a
/// grey picture are reported.
std::unique_ptr<Claim> make_typical_set();

}  // namespace pushforward
