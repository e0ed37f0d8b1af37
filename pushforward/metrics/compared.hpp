#pragma once

#include "pushforward/core/metric.hpp"

namespace pushforward {

/// Two sets as points of one space, float64 [N, F] and [M, F] on the CPU: as the judge sees them,
/// else their numbers as they stand.
struct Compared {
    Tensor samples, held_out;
};
Compared compared(const Judged& judged);

/// Why there are no two sets of at least `least` points each ("" when there are).
std::string compared_refusal(const Judged& judged, std::int64_t least);
/// Pixels without a judge are compared only by request: distances between them say little.
std::string compared_reservation(const Judged& judged);

}  // namespace pushforward
