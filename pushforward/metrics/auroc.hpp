#pragma once

#include "pushforward/core/metric.hpp"

#include <memory>

namespace pushforward {

/// P(log p of a normal row > log p of an anomalous one) + ties / 2 over the held-out rows, whose
/// condition `label` says 0 (normal) or 1 (anomalous), with DeLong's standard error (DeLong et al.
/// 1988): 0.5 is chance. The model must not be told the label.
std::unique_ptr<Metric> make_auroc();

}  // namespace pushforward
