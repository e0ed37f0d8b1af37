#pragma once

#include "pushforward/bijections/bijection.hpp"

namespace pushforward {

/// Monotone maps of single numbers, each with parameters of its own: what couplings and
/// autoregressions are made of. With all parameters zero a transformer is the identity.
class Transformer {
public:
    virtual ~Transformer() = default;
    /// How many parameters each number has.
    virtual std::int64_t parameters() const = 0;
    /// x [B, d], parameters [B, d, P] -> y [B, d] and the log-slopes' sum over d, [B].
    virtual Mapped forward(const Tensor& x, const Tensor& parameters) const = 0;
    virtual Mapped inverse(const Tensor& y, const Tensor& parameters) const = 0;
    /// What a network hears of numbers that such a map leaves alone, [B, d] -> [B, d features()]:
    /// by default the numbers.
    virtual std::int64_t features() const { return 1; }
    virtual Tensor heard(const Tensor& x) const { return x; }
};

/// A bijection that does the same in both directions but for its transformer's.
class Transformed : public Bijection {
public:
    explicit Transformed(std::unique_ptr<Transformer> transformer)
        : transformer_(std::move(transformer)) {}
    Mapped forward(const Tensor& x, const Given& given) const override {
        return map(x, given, &Transformer::forward);
    }
    Mapped inverse(const Tensor& y, const Given& given) const override {
        return map(y, given, &Transformer::inverse);
    }

protected:
    using Direction = Mapped (Transformer::*)(const Tensor&, const Tensor&) const;
    virtual Mapped map(const Tensor& x, const Given& given, Direction direction) const = 0;

    std::unique_ptr<Transformer> transformer_;
};

/// y = x + m (Dinh et al. 2014).
std::unique_ptr<Transformer> make_additive();
/// y = e^s x + m, the scale e^s within a factor of 1000; see kernels/affine.hpp (Dinh et al. 2016).
std::unique_ptr<Transformer> make_affine();
/// A monotone rational-quadratic spline on [-bound, bound], the identity outside; see
/// kernels/rational_quadratic.hpp (Durkan et al. 2019).
std::unique_ptr<Transformer> make_spline(std::int64_t bins, double bound);

}  // namespace pushforward
