#pragma once

#include "pushforward/audit/claim.hpp"

namespace pushforward {

/// B5: symbols drawn at temperature T follow softmax(l / T) of the model's own logits l, so that
/// those of a fitted model follow the law's conditional to the power 1 / T; at T = 0 the likeliest
/// symbol comes; top_k leaves that many.
std::unique_ptr<Claim> make_temperature();

}  // namespace pushforward
