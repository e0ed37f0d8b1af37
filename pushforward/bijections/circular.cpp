#include "pushforward/bijections/circular.hpp"

#include "pushforward/kernels/rational_quadratic.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>

#include <numbers>

namespace pushforward {
namespace {

constexpr double pi = std::numbers::pi;

class CircularSpline : public Transformer {
public:
    explicit CircularSpline(std::int64_t bins) : bins_(bins) {}

    std::int64_t parameters() const override { return 3 * bins_ + 1; }
    Mapped forward(const Tensor& x, const Tensor& p) const override {
        const auto [y, log_slope] = rational_quadratic(wrapped(x), spline(p), pi, false);
        return {wrapped(y + turn(p)), log_slope.sum(1)};
    }
    Mapped inverse(const Tensor& y, const Tensor& p) const override {
        const auto [x, log_slope] = rational_quadratic(wrapped(y - turn(p)), spline(p), pi, true);
        return {x, log_slope.sum(1)};
    }
    std::int64_t features() const override { return 2; }
    Tensor heard(const Tensor& x) const override { return at::cat({x.cos(), x.sin()}, 1); }

private:
    Tensor spline(const Tensor& p) const { return p.slice(2, 0, 3 * bins_); }
    Tensor turn(const Tensor& p) const { return p.select(2, 3 * bins_); }

    std::int64_t bins_;
};

}  // namespace

Tensor wrapped(const Tensor& angle) {
    return angle - 2 * pi * ((angle + pi) / (2 * pi)).floor();
}

std::unique_ptr<Transformer> make_circular_spline(std::int64_t bins) {
    return std::make_unique<CircularSpline>(bins);
}

}  // namespace pushforward
