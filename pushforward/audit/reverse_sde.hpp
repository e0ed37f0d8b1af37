#pragma once

#include "pushforward/audit/claim.hpp"

#include <memory>

namespace pushforward {

/// F4: noise carried back by the reverse SDE (Anderson 1982; Song et al. 2021), by ancestral steps
/// and with Langevin corrections has the law of the data: the Kolmogorov-Smirnov distance of
/// 100,000 draws to the mixture that the model was fitted to, and the weight of its left normal.
std::unique_ptr<Claim> make_reverse_sde();

}  // namespace pushforward
