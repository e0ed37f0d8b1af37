#pragma once

#include "pushforward/audit/claim.hpp"

namespace pushforward {

/// B4: a causal convolution of dilations 1, 2, 4, .. sees 1 + sum_i (k - 1) 2^i symbols (van den
/// Oord et al. 2016) and no more: of bits x_t = x_{t-lag} XOR x_{t-1} none is in doubt where `lag`
/// is within, and a whole bit where it is beyond.
std::unique_ptr<Claim> make_receptive_field();

}  // namespace pushforward
