#pragma once

#include "pushforward/core/levels.hpp"
#include "pushforward/core/metric.hpp"

#include <optional>
#include <string>

namespace pushforward {

/// Why the held-out rows have no log-density by the model; "" when they have.
std::string density_refusal(const Judged& judged);

/// log p(x | c) of each held-out row, float64 [N] in nats of the data's own units, by the model's
/// default estimator; of pictures on the levels of 8 bits the log of the mass.
struct HeldOutDensity {
    Tensor log_p;
    Estimator estimator;
    std::optional<Levels> levels;
};
HeldOutDensity held_out_density(const Judged& judged);

}  // namespace pushforward
