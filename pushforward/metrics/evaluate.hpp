#pragma once

#include "pushforward/base/json.hpp"
#include "pushforward/core/metric.hpp"

#include <string>
#include <utility>
#include <vector>

namespace pushforward {

using Measurements = std::vector<std::pair<std::string, Measurement>>;

/// The UsageError that `evaluate` would throw, before there is anything to compute with: a refusal
/// looks at which parts of `judged` are there and at their shapes, not into them.
void check_metrics(const std::vector<std::string>& names, const Judged& judged);

/// The named metrics in their order; without names, all of the catalogue that do not refuse.
/// UsageError, before any work, naming every unknown metric and every one that refuses, and why.
Measurements evaluate(const std::vector<std::string>& names, const Judged& judged);

/// {NAME: {"value", "stderr", "n", "unit", "higher_is_better", "kind"?}}.
json::object to_json(const Measurements& measurements);

/// The same as lines for a person.
std::string to_text(const Measurements& measurements);

}  // namespace pushforward
