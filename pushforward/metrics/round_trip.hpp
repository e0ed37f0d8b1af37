#pragma once

#include "pushforward/core/metric.hpp"

#include <memory>

namespace pushforward {

/// |x - decode(encode(x))| in model units, the largest of each row: its mean over the held-out rows
/// and, as "round_trip/worst", its maximum. The encoder's mean stands for x's latents.
std::unique_ptr<Metric> make_round_trip();

}  // namespace pushforward
