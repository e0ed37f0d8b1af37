#pragma once

#include "pushforward/audit/claim.hpp"

namespace pushforward {

/// A4: log p(x) = log p_base(f(x)) + log |det df/dx|: a flow's log-determinants are autograd's, its
/// density is the same from either side, integrates to one, moves by -d log s with data scaled by
/// s, and comes close to a known law.
std::unique_ptr<Claim> make_change_of_variables();

}  // namespace pushforward
