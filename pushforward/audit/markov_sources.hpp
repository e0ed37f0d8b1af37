#pragma once

#include "pushforward/audit/claim.hpp"

namespace pushforward {

/// B8: maximising sum_t log p(x_t | x_<t) on a Markov chain of known entropy rate reaches it, and
/// what is drawn has the chain's own windows of four; as much where the next symbol depends on
/// few symbols far back, which no table of short contexts can say.
std::unique_ptr<Claim> make_markov_sources();

}  // namespace pushforward
