#pragma once

#include <functional>

namespace pushforward {

/// What this machine reaches on the threads in use: products of two 2048 x 2048 matrices in FLOP/s
/// (a multiply and an add count as two), and a = b + s c over 128 MiB each in bytes/s.
struct Peaks {
    double float32 = 0, bfloat16 = 0, bandwidth = 0;
};
Peaks measure_peaks();

/// Seconds of one call: the median of repeats that together take at least `seconds`, after one
/// call to warm up.
double median_seconds(const std::function<void()>& call, double seconds = 0.5, int least = 5);

}  // namespace pushforward
