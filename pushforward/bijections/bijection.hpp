#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace pushforward {

using at::Tensor;

/// Where points go, [B, D], and log |det| of the map's Jacobian there, [B].
struct Mapped {
    Tensor y, log_det;
};

/// An invertible map of R^D, in both directions, differentiable in the point, the context and its
/// own parameters. `context` is [B, H], what a condition says of each row; undefined: nothing.
/// Const calls are thread-safe and compute in x's type.
class Bijection {
public:
    virtual ~Bijection() = default;
    virtual Mapped forward(const Tensor& x, const Tensor& context) const = 0;
    /// x with forward(x) = y, and the log-determinant of the inverse there.
    virtual Mapped inverse(const Tensor& y, const Tensor& context) const = 0;
    /// Sets what begins from data that arrive as `x`. Most need nothing.
    virtual void initialise(const Tensor& /*x*/, const Tensor& /*context*/) {}
};

/// One after the other; log-determinants add up.
class Chain : public Bijection {
public:
    explicit Chain(std::vector<std::unique_ptr<Bijection>> links) : links_(std::move(links)) {}
    Mapped forward(const Tensor& x, const Tensor& context) const override;
    Mapped inverse(const Tensor& y, const Tensor& context) const override;
    void initialise(const Tensor& x, const Tensor& context) override;

private:
    std::vector<std::unique_ptr<Bijection>> links_;
};

/// The same map the other way round.
class Inverted : public Bijection {
public:
    explicit Inverted(std::unique_ptr<Bijection> map) : map_(std::move(map)) {}
    Mapped forward(const Tensor& x, const Tensor& context) const override {
        return map_->inverse(x, context);
    }
    Mapped inverse(const Tensor& y, const Tensor& context) const override {
        return map_->forward(y, context);
    }

private:
    std::unique_ptr<Bijection> map_;
};

}  // namespace pushforward
