#pragma once

#include "pushforward/audit/claim.hpp"

#include <memory>

namespace pushforward {

/// A6: a generator into more dimensions than it has latents makes a singular law, whose density is
/// p(z) / sqrt(det(J^T J)) with respect to the Hausdorff measure: wrapped normal on a circle,
/// 1 / (4 pi^2 r (R + r cos v)) on a torus, to 1e-8; none with respect to Lebesgue's. Into fewer,
/// fibres add up: K0(|x|) / pi for the product of two normals. Flows fitted to normals give the
/// same.
std::unique_ptr<Claim> make_singular_law();

}  // namespace pushforward
