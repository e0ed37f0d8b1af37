#pragma once

#include "pushforward/audit/claim.hpp"

namespace pushforward {

/// C6: a flow from one normal to a law in pieces leaves mass between them, bridges; from a mixture
/// that begins from the data it leaves almost none.
std::unique_ptr<Claim> make_topology();

}  // namespace pushforward
