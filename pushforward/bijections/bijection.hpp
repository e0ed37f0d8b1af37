#pragma once

#include "pushforward/core/rng.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace pushforward {

using at::Tensor;

/// Where points go, [B, event...], and log |det| of the map's Jacobian there, [B].
struct Mapped {
    Tensor y, log_det;
};

/// What a map is told beside the points: `context` [B, H], what a condition says of each row
/// (undefined: nothing), and `noise`, with which log-determinants that would cost a pass a
/// dimension are estimated without bias instead (null: exactly).
struct Given {
    Tensor context = {};
    const Rng* noise = nullptr;

    Given(Tensor said = {}, const Rng* estimate = nullptr)
        : context(std::move(said)), noise(estimate) {}
};

/// An invertible map of vectors [B, D] or pictures [B, C, H, W] onto as many numbers, in both
/// directions, differentiable in the point, the context and its own parameters. Const calls are
/// thread-safe and compute in x's type.
class Bijection {
public:
    virtual ~Bijection() = default;
    virtual Mapped forward(const Tensor& x, const Given& given) const = 0;
    /// x with forward(x) = y, and the log-determinant of the inverse there.
    virtual Mapped inverse(const Tensor& y, const Given& given) const = 0;
    /// Whether `noise` is used: whether there is an estimate to be had.
    virtual bool estimates() const { return false; }
    /// Sets what begins from data that arrive as `x`. Most need nothing.
    virtual void initialise(const Tensor& /*x*/, const Given& /*given*/) {}
};

/// One after the other, each with noise of its own; log-determinants add up.
class Chain : public Bijection {
public:
    explicit Chain(std::vector<std::unique_ptr<Bijection>> links) : links_(std::move(links)) {}
    Mapped forward(const Tensor& x, const Given& given) const override;
    Mapped inverse(const Tensor& y, const Given& given) const override;
    bool estimates() const override;
    void initialise(const Tensor& x, const Given& given) override;

private:
    std::vector<std::unique_ptr<Bijection>> links_;
};

/// The same map the other way round.
class Inverted : public Bijection {
public:
    explicit Inverted(std::unique_ptr<Bijection> map) : map_(std::move(map)) {}
    Mapped forward(const Tensor& x, const Given& given) const override {
        return map_->inverse(x, given);
    }
    Mapped inverse(const Tensor& y, const Given& given) const override {
        return map_->forward(y, given);
    }
    bool estimates() const override { return map_->estimates(); }

private:
    std::unique_ptr<Bijection> map_;
};

}  // namespace pushforward
