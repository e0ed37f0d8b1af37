#pragma once

#include "pushforward/audit/claim.hpp"

#include <memory>

namespace pushforward {

/// A5: a many-to-one generator has the density sum_i p(z_i) / |det J(z_i)| over the preimages of
/// x. For normals it is chi-square (z^2), half normal (|z|) and exp(-|w| / 2) / (4 pi |w|) (complex
/// square) to 1e-8; and a flow fitted to normals, folded alike, has the folded data's density, when
/// all branches count: one alone is short by log 2.
std::unique_ptr<Claim> make_many_to_one();

}  // namespace pushforward
