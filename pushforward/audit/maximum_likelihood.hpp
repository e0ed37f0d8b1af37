#pragma once

#include "pushforward/audit/claim.hpp"

namespace pushforward {

/// A2: maximum likelihood minimises KL(data || model): one normal fitted to two takes their mean
/// and variance and falls short of the law by the KL; a flow, fitted alike, by next to nothing.
std::unique_ptr<Claim> make_maximum_likelihood();

}  // namespace pushforward
