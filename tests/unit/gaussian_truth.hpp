#pragma once

#include "pushforward/base/errors.hpp"
#include "pushforward/core/model.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/expm1.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/sqrt.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>

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

/// E[x0 | x_t] of a mixture of normals in one dimension, exactly; with `variance` its variance,
/// too.
class MixtureDenoiser : public Denoiser {
public:
    struct Component {
        double weight, mean, deviation;
    };
    MixtureDenoiser(const Path& path, std::vector<Component> components, bool variance = false)
        : path_(path), components_(std::move(components)), variance_(variance) {}

    const Path& path() const override { return path_; }
    Denoised predict_x0(const Tensor& x, const Tensor& t, const Condition&) const override {
        const Level level = path_.at(t);
        const Tensor alpha = level.alpha.unsqueeze(1), sigma = level.sigma.unsqueeze(1);
        std::vector<Tensor> logs, means, squares;
        for (const auto& k : components_) {
            const double s2 = k.deviation * k.deviation;
            const Tensor variance = alpha * alpha * s2 + sigma * sigma;
            const Tensor off = x - alpha * k.mean;
            logs.push_back(std::log(k.weight) - 0.5 * off * off / variance - 0.5 * variance.log());
            means.push_back(k.mean + alpha * s2 / variance * off);
            squares.push_back(means.back().square() + s2 * sigma * sigma / variance);
        }
        const Tensor w = at::softmax(at::stack(logs), 0);
        const Tensor x0 = (w * at::stack(means)).sum(0);
        if (!variance_) return x0;
        return {x0, (w * at::stack(squares)).sum(0) - x0.square()};
    }
    Residual residual(const Tensor& x0, const Tensor& eps, const Tensor& t,
                      const Condition& c) const override {
        const Level level = path_.at(t);
        return predict_x0(level.alpha.unsqueeze(1) * x0 + level.sigma.unsqueeze(1) * eps, t, c) -
               x0;
    }
    Tensor residual_scale(const Tensor& t) const override { return at::ones_like(t); }
    bool learns_variance() const override { return variance_; }

private:
    const Path& path_;
    std::vector<Component> components_;
    bool variance_;
};

/// Two equally likely classes N(-1.5, 1) and N(1.5, 1), exactly: E[x0 | x_t, label] where a row's
/// label is given, E[x0 | x_t] where it is not.
class TwoClasses : public Denoiser {
public:
    explicit TwoClasses(const Path& path)
        : path_(path),
          both_(path, {{0.5, -1.5, 1}, {0.5, 1.5, 1}}),
          one_{{path, {{1, -1.5, 1}}}, {path, {{1, 1.5, 1}}}} {}

    const Path& path() const override { return path_; }
    Denoised predict_x0(const Tensor& x, const Tensor& t, const Condition& c) const override {
        const Tensor any = both_.predict_x0(x, t, {});
        const auto label = c.value.find("label");
        if (label == c.value.end()) return any;
        Tensor of_class = at::where((label->second == 0).unsqueeze(1), one_[0].predict_x0(x, t, {}),
                                    one_[1].predict_x0(x, t, {}));
        if (const auto given = c.given.find("label"); given != c.given.end())
            of_class = at::where(given->second.unsqueeze(1), of_class, any);
        return of_class;
    }
    Residual residual(const Tensor& x0, const Tensor&, const Tensor&,
                      const Condition&) const override {
        return x0;
    }
    Tensor residual_scale(const Tensor& t) const override { return at::ones_like(t); }

private:
    const Path& path_;
    MixtureDenoiser both_, one_[2];
};

/// p(label | y = x0 + s eps) of the two classes by Bayes' rule.
class BayesClassifier : public Model, public Classifier {
public:
    const DataSpec& spec() const override { return spec_; }
    torch::nn::Module& module() override { throw UsageError("it has no parameters"); }
    bool samples() const override { return false; }
    Samples sample(const SampleRequest&, Rng) const override { throw UsageError("it draws none"); }
    const Classifier* classifier() const override { return this; }
    const Field& label() const override { return spec_.conditions[0]; }
    Tensor log_probs(const Tensor& y, const Tensor& s) const override {
        const Tensor variance = 1 + (s * s).unsqueeze(1);
        const Tensor off = y - at::tensor({-1.5, 1.5}, at::kDouble);
        return at::log_softmax(-off * off / (2 * variance), 1);
    }
    Tensor features(const Tensor& x) const override { return x; }

private:
    DataSpec spec_{{Kind::real, {1}, 0}, {{"label", {Kind::symbol, {}, 2}}}};
};

}  // namespace pushforward::testing
