#pragma once

#include "pushforward/audit/claim.hpp"

namespace pushforward {

/// C5: every model of the catalogue with an exact density and a latent space comes back from there,
/// near and far from the data, and its density integrates to one.
std::unique_ptr<Claim> make_flow_exactness();

}  // namespace pushforward
