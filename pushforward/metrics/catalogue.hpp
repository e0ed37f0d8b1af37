#pragma once

#include "pushforward/core/metric.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace pushforward {

struct MetricEntry {
    std::string name, summary, paper;
    std::function<std::unique_ptr<Metric>()> make;
};

/// Every metric: THE list (metrics/catalogue.cpp), one line a metric.
const std::vector<MetricEntry>& metric_catalogue();
/// The entry of that name; UsageError with the nearest name when there is none.
const MetricEntry& metric_entry(const std::string& name);

}  // namespace pushforward
