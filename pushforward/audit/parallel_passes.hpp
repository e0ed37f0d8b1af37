#pragma once

#include "pushforward/audit/claim.hpp"

#include <memory>

namespace pushforward {

/// C7: couplings draw and score in one pass each; an autoregression scores in one and draws in as
/// many as there are numbers, its inverse the other way round. Compares medians of wall-clock
/// times on the same rows, by flows whose densities are checked too.
std::unique_ptr<Claim> make_parallel_passes();

}  // namespace pushforward
