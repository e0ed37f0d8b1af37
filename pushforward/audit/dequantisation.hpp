#pragma once

#include "pushforward/audit/claim.hpp"

namespace pushforward {

/// C9: bits per number of pictures of 256 levels: 8 for uniform ones, never less than the entropy
/// of a law that is known, and closer to it with variational noise than with uniform (Theis et al.
/// 2016; Ho et al. 2019).
std::unique_ptr<Claim> make_dequantisation();

}  // namespace pushforward
