#include "pushforward/math/region.hpp"

#include "pushforward/base/errors.hpp"

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <cmath>

namespace pushforward {
namespace {

/// The rows as float64 [N, D], D as many as `like` has.
Tensor rows_like(const char* who, const Tensor& x, const Tensor& like) {
    const Tensor rows = x.flatten(1).to(at::kDouble);
    PF_CHECK(rows.size(1) == like.numel(), who, text("rows of ", like.numel(), " numbers"),
             rows.size(1));
    return rows;
}
Tensor vector_of(const Tensor& values) {
    return values.flatten().to(at::kDouble);
}

}  // namespace

Region half_space(const Tensor& normal, double offset) {
    return [n = vector_of(normal), offset](const Tensor& x) {
        return rows_like("half_space", x, n).matmul(n) <= offset;
    };
}

Region ball(const Tensor& centre, double radius) {
    return [c = vector_of(centre), radius](const Tensor& x) {
        return (rows_like("ball", x, c) - c).square().sum(1) <= radius * radius;
    };
}

Region box(const Tensor& low, const Tensor& high) {
    PF_CHECK(low.numel() == high.numel(), "box", text(low.numel(), " upper ends"), high.numel());
    return [low = vector_of(low), high = vector_of(high)](const Tensor& x) {
        const Tensor rows = rows_like("box", x, low);
        return (rows >= low).logical_and(rows <= high).all(1);
    };
}

Share wilson_interval(std::int64_t hits, std::int64_t n) {
    PF_CHECK(n >= 1 && hits >= 0 && hits <= n, "wilson_interval", "0 <= hits <= n and n >= 1",
             text(hits, " of ", n));
    constexpr double z = 1.959963984540054;  // Phi^-1(0.975)
    const double count = static_cast<double>(n), share = static_cast<double>(hits) / count;
    const double middle = (share + z * z / (2 * count)) / (1 + z * z / count);
    const double half = z / (1 + z * z / count) *
                        std::sqrt(share * (1 - share) / count + z * z / (4 * count * count));
    // at the ends one limit is the share itself, which rounding must not cut off
    return {share, hits == 0 ? 0 : std::max(0.0, middle - half),
            hits == n ? 1 : std::min(1.0, middle + half), n};
}

Share measure_of(const Region& region, const Tensor& samples) {
    return wilson_interval(region(samples).sum().item<std::int64_t>(), samples.size(0));
}

}  // namespace pushforward
