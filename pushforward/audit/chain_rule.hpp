#pragma once

#include "pushforward/audit/claim.hpp"

namespace pushforward {

/// A1: p(x) = prod_i p(x_i | x_<i) of every model that says one symbol after another is a law: over
/// all strings it sums to one (float32), the conditionals of the joint (float64) are those that
/// `Sequential::next` says (float32), and a fitted one is close to the law of its data.
std::unique_ptr<Claim> make_chain_rule();

}  // namespace pushforward
