#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace pushforward {

struct BenchRequest {
    std::filesystem::path weights, batch;  ///< for parity with a peer; empty: random
    bool bfloat16 = false;
    at::Device device = at::kCPU;
};

struct BenchResult {
    double value = 0;  ///< the median of several repeats
    std::string unit;
    std::optional<double> loss = {};   ///< on the given weights and batch
    std::optional<double> flops = {};  ///< of what was timed: products and convolutions
    double seconds = 0;                ///< of what was timed
};

/// A step's median time in ms over `seconds`, and what its products and convolutions cost.
BenchResult timed_step(const std::function<void()>& step, double seconds);

/// A named performance case.
struct BenchCase {
    std::string name, summary;
    std::function<BenchResult(const BenchRequest&)> run;
};

/// Every case: THE list (testing/bench.cpp), one line a case.
const std::vector<BenchCase>& bench_cases();
/// The case of that name; UsageError with the nearest name when there is none.
const BenchCase& bench_case(const std::string& name);

}  // namespace pushforward
