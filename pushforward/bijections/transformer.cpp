#include "pushforward/bijections/transformer.hpp"

#include "pushforward/kernels/affine.hpp"
#include "pushforward/kernels/rational_quadratic.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros.h>

namespace pushforward {
namespace {

class Additive : public Transformer {
public:
    std::int64_t parameters() const override { return 1; }
    Mapped forward(const Tensor& x, const Tensor& p) const override {
        return {x + p.select(2, 0), at::zeros({x.size(0)}, x.options())};
    }
    Mapped inverse(const Tensor& y, const Tensor& p) const override {
        return {y - p.select(2, 0), at::zeros({y.size(0)}, y.options())};
    }
};

class Affine : public Transformer {
public:
    std::int64_t parameters() const override { return 2; }
    Mapped forward(const Tensor& x, const Tensor& p) const override { return map(x, p, false); }
    Mapped inverse(const Tensor& y, const Tensor& p) const override { return map(y, p, true); }

private:
    static Mapped map(const Tensor& x, const Tensor& p, bool inverse) {
        const auto [y, log_det] = affine(x, p, inverse);
        return {y, log_det};
    }
};

class Spline : public Transformer {
public:
    Spline(std::int64_t bins, double bound) : bins_(bins), bound_(bound) {}

    std::int64_t parameters() const override { return 3 * bins_ - 1; }
    Mapped forward(const Tensor& x, const Tensor& p) const override { return map(x, p, false); }
    Mapped inverse(const Tensor& y, const Tensor& p) const override { return map(y, p, true); }

private:
    Mapped map(const Tensor& x, const Tensor& p, bool inverse) const {
        const auto [y, log_slope] = rational_quadratic(x, p, bound_, inverse);
        return {y, log_slope.sum(1)};
    }

    std::int64_t bins_;
    double bound_;
};

}  // namespace

std::unique_ptr<Transformer> make_additive() {
    return std::make_unique<Additive>();
}
std::unique_ptr<Transformer> make_affine() {
    return std::make_unique<Affine>();
}
std::unique_ptr<Transformer> make_spline(std::int64_t bins, double bound) {
    return std::make_unique<Spline>(bins, bound);
}

}  // namespace pushforward
