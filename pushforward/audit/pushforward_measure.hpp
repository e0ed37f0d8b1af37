#pragma once

#include "pushforward/audit/claim.hpp"

#include <memory>

namespace pushforward {

/// A3: the measure of a set under a generator, P(A) = int 1_A(G(z)) p(z) dz, from samples with a
/// 95 % interval: 2,000 intervals cover the truth as often as they say, for an affine embedding and
/// for (z, z^2), whose law has no density; and a fitted flow gives balls, half-spaces and boxes
/// their chi-square and normal probabilities.
std::unique_ptr<Claim> make_pushforward_measure();

}  // namespace pushforward
