#pragma once

#include "pushforward/core/metric.hpp"

#include <memory>

namespace pushforward {

/// The mean of log p(x | c) over the held-out rows in nats an item, in the data's own units, by
/// the model's default estimator; `kind` says whether it is exact, a lower bound or an estimate. Of
/// an exact one "/float64_share" says which share of the rows float32 could not carry.
std::unique_ptr<Metric> make_log_likelihood();

}  // namespace pushforward
