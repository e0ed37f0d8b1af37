#pragma once

#include "pushforward/core/metric.hpp"

#include <memory>

namespace pushforward {

/// The share of the held-out rows whose likeliest label by the model, a classifier, is their own.
std::unique_ptr<Metric> make_accuracy();

/// The share of the samples whose likeliest label by the judge is the one that was asked for.
std::unique_ptr<Metric> make_label_accuracy();

}  // namespace pushforward
