#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

namespace pushforward {

using at::Tensor;

/// A measurable set by its indicator: rows [N, event...] -> bool [N].
using Region = std::function<Tensor(const Tensor& x)>;

/// Closed sets of flattened rows: {normal . x <= offset}, {|x - centre| <= radius} and
/// {low_i <= x_i <= high_i}. UsageError, when asked, for rows of another size.
Region half_space(const Tensor& normal, double offset);
Region ball(const Tensor& centre, double radius);
Region box(const Tensor& low, const Tensor& high);

/// A probability from n independent draws, with a 95 % confidence interval.
struct Share {
    double value, low, high;
    std::int64_t n;
};
/// Wilson's score interval (1927): what p leaves |hits / n - p| <= 1.96 sqrt(p (1 - p) / n). It
/// covers about 95 % also near 0 and 1. UsageError unless 0 <= hits <= n and n >= 1.
Share wilson_interval(std::int64_t hits, std::int64_t n);
/// P(A) = int 1_A(G(z)) p(z) dz from independent samples of G(z), [N, event...].
Share measure_of(const Region& region, const Tensor& samples);

}  // namespace pushforward
