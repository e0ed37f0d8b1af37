#pragma once

#include "pushforward/core/model.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/expm1.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/sqrt.h>
#include <ATen/ops/stack.h>

#include <cmath>
#include <utility>
#include <vector>

namespace pushforward::testing {

/// The variance-preserving path with beta(t) = 0.1 + 19.9 t (Song et al. 2021).
class VpPath : public Path {
public:
    Level at(const Tensor& t) const override {
        const Tensor log_alpha = -0.25 * 19.9 * t * t - 0.05 * t;
        return {at::exp(log_alpha), at::sqrt(-at::expm1(2 * log_alpha))};
    }
    Level derivative(const Tensor& t) const override {
        const Level level = at(t);
        const Tensor beta = 0.1 + 19.9 * t;
        return {-0.5 * beta * level.alpha, 0.5 * beta * level.alpha * level.alpha / level.sigma};
    }
    double t_min() const override { return 1e-3; }
    double t_max() const override { return 1; }
    Tensor training_time(const Tensor& u) const override { return t_min() + (1 - t_min()) * u; }
};

/// E[x0 | x_t] of a mixture of normals in one dimension, exactly.
class MixtureDenoiser : public Denoiser {
public:
    struct Component {
        double weight, mean, deviation;
    };
    MixtureDenoiser(const Path& path, std::vector<Component> components)
        : path_(path), components_(std::move(components)) {}

    const Path& path() const override { return path_; }
    Tensor predict_x0(const Tensor& x, const Tensor& t, const Condition&) const override {
        const Level level = path_.at(t);
        const Tensor alpha = level.alpha.unsqueeze(1), sigma = level.sigma.unsqueeze(1);
        std::vector<Tensor> logs, means;
        for (const auto& k : components_) {
            const double s2 = k.deviation * k.deviation;
            const Tensor variance = alpha * alpha * s2 + sigma * sigma;
            const Tensor off = x - alpha * k.mean;
            logs.push_back(std::log(k.weight) - 0.5 * off * off / variance - 0.5 * variance.log());
            means.push_back(k.mean + alpha * s2 / variance * off);
        }
        return (at::softmax(at::stack(logs), 0) * at::stack(means)).sum(0);
    }
    Tensor residual(const Tensor& x0, const Tensor& eps, const Tensor& t,
                    const Condition& c) const override {
        const Level level = path_.at(t);
        return predict_x0(level.alpha.unsqueeze(1) * x0 + level.sigma.unsqueeze(1) * eps, t, c) -
               x0;
    }
    Tensor residual_scale(const Tensor& t) const override { return at::ones_like(t); }

private:
    const Path& path_;
    std::vector<Component> components_;
};

}  // namespace pushforward::testing
