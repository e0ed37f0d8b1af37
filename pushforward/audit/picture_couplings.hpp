#pragma once

#include "pushforward/audit/claim.hpp"

namespace pushforward {

/// C2: RealNVP fitted to pictures of a known law comes close to it, and its log-determinant, with
/// the numbers that leave at each level, is that of autograd's Jacobian (Dinh et al. 2016).
std::unique_ptr<Claim> make_picture_couplings();

}  // namespace pushforward
