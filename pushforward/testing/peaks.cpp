#include "pushforward/testing/peaks.hpp"

#include <torch/types.h>

#include <algorithm>
#include <chrono>
#include <vector>

namespace pushforward {

double median_seconds(const std::function<void()>& call, double seconds, int least) {
    using Clock = std::chrono::steady_clock;
    call();
    std::vector<double> times;
    double total = 0;
    while (total < seconds || static_cast<int>(times.size()) < least) {
        const auto began = Clock::now();
        call();
        times.push_back(std::chrono::duration<double>(Clock::now() - began).count());
        total += times.back();
    }
    const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
    std::nth_element(times.begin(), middle, times.end());
    return *middle;
}

Peaks measure_peaks() {
    torch::NoGradGuard no_grad;
    constexpr std::int64_t n = 2048;
    auto product = [&](at::ScalarType dtype) {
        const auto a = torch::rand({n, n}).to(dtype), b = torch::rand({n, n}).to(dtype);
        auto out = torch::empty({n, n}, dtype);
        return 2.0 * n * n * n / median_seconds([&] { torch::mm_out(out, a, b); });
    };
    constexpr std::int64_t floats = std::int64_t{128} << 18;  // 128 MiB
    const auto b = torch::rand({floats}), c = torch::rand({floats});
    auto a = torch::empty({floats});
    const double triad = median_seconds([&] { torch::add_out(a, b, c, 0.5); });
    return {product(torch::kFloat), product(torch::kBFloat16), 3.0 * 4.0 * floats / triad};
}

}  // namespace pushforward
