#pragma once

#include "pushforward/audit/claim.hpp"

namespace pushforward {

/// C3: Glow's 1 x 1 convolution mixes channels that are correlated: one step of it comes close to
/// the entropy of such pixels, one with a permutation in its place does not; its determinant is
/// that of autograd's Jacobian and stays away from zero (Kingma & Dhariwal 2018).
std::unique_ptr<Claim> make_channel_mixing();

}  // namespace pushforward
