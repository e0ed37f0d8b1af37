#pragma once

#include "pushforward/testing/bench.hpp"

#include <vector>

namespace pushforward {

/// Flows of five layers with perceptrons of two times 128 units, in 6 and 64 dimensions: a training
/// step on 512 rows, and the density and samples of 4096. Weights are named as a run's; a batch
/// holds x [B, D], and the loss is the mean of -log p(x).
std::vector<BenchCase> flow_bench_cases();

}  // namespace pushforward
