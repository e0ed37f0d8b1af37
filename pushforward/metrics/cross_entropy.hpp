#pragma once

#include "pushforward/core/metric.hpp"

#include <memory>

namespace pushforward {

/// -log p(s_i | s_<i) of held-out text, mean over all its symbols, in nats; its parts are the same
/// in bits, exp of it (perplexity), and bits a byte of the text where the vocabulary is known. The
/// standard error takes the symbols' surprises as independent.
std::unique_ptr<Metric> make_cross_entropy();

}  // namespace pushforward
