#pragma once

#include "pushforward/audit/claim.hpp"

namespace pushforward {

/// B3: a gated PixelCNN that knows where it is learns critical Ising pictures: what it is short of
/// their law, whose partition function is known in closed form (Kaufman 1949), is small beside what
/// independent pixels are.
std::unique_ptr<Claim> make_lattice_pictures();

}  // namespace pushforward
