#pragma once

#include "pushforward/base/json.hpp"

namespace pushforward {

/// Where and when a figure was made: pushforward (version and commit), LibTorch, processor with its
/// vector instructions, threads, date (UTC).
json::object environment();

}  // namespace pushforward
