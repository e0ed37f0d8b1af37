#pragma once

#include "pushforward/audit/claim.hpp"

#include <memory>

namespace pushforward {

/// F15: a denoiser fitted to few items draws those items: its optimum is the score of the empirical
/// law, whose draws are the items themselves. Fitted to many it does not (Somepalli et al. 2023;
/// Kadkhodaie et al. 2024). Measured by the mean distance of draws to the nearest training item
/// over that of fresh items of the same law.
std::unique_ptr<Claim> make_memorisation();

}  // namespace pushforward
