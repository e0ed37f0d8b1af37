#pragma once

#include "pushforward/audit/claim.hpp"

#include <memory>

namespace pushforward {

/// F7: denoising (Vincent 2011), implicit (Hyvarinen 2005) and sliced (Song et al. 2019) score
/// matching have the same minimiser. On N(0, C) each recovers the precision of the noised data,
/// (alpha^2 C + sigma^2)^-1, and not C^-1 where sigma is not small; and the denoising loss exceeds
/// the explicit one by D / sigma^2 - tr (alpha^2 C + sigma^2)^-1 whatever the network.
std::unique_ptr<Claim> make_score_matching_claim();

}  // namespace pushforward
