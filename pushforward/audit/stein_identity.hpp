#pragma once

#include "pushforward/audit/claim.hpp"

namespace pushforward {

/// A14: the score s = d log p / dx of explicit models is what finite differences say, and E[s] = 0,
/// E[s x^T] = -I over a model's own samples (Stein's identity); fitted and learnt scores are close
/// to a known law's.
std::unique_ptr<Claim> make_stein_identity();

}  // namespace pushforward
