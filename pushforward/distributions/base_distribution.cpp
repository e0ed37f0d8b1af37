#include "pushforward/distributions/base_distribution.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/distributions/resampled.hpp"
#include "pushforward/math/k_means.hpp"
#include "pushforward/nn/layers.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>
#include <ATen/ops/log.h>
#include <ATen/ops/log1p.h>
#include <ATen/ops/log_sigmoid.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/special_log_ndtr.h>
#include <ATen/ops/special_ndtri.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <torch/nn/module.h>

#include <cmath>
#include <numbers>

namespace pushforward {
namespace {

struct Nothing : Options {
    void visit(Fields&) override {}
};

Tensor normal_log_prob(const Tensor& z) {
    return -0.5 * (z.square() + std::log(2 * std::numbers::pi)).sum(1);
}

class Normal : public BaseDistribution {
public:
    explicit Normal(std::int64_t dimensions) : dimensions_(dimensions) {}

    Tensor log_prob(const Tensor& z) const override { return normal_log_prob(z); }
    Tensor sample(std::int64_t n, double temperature, Rng& rng, at::Device device) const override {
        return temperature * rng.normal({n, dimensions_}, at::kFloat, device);
    }
    bool normalises() const override { return true; }

private:
    std::int64_t dimensions_;
};

class Logistic : public BaseDistribution {
public:
    explicit Logistic(std::int64_t dimensions) : dimensions_(dimensions) {}

    Tensor log_prob(const Tensor& z) const override {
        return (at::log_sigmoid(z) + at::log_sigmoid(-z)).sum(1);
    }
    Tensor sample(std::int64_t n, double temperature, Rng& rng, at::Device device) const override {
        const Tensor normal = rng.normal({n, dimensions_}, at::kDouble, device);
        return temperature * from_normal(normal).to(at::kFloat);
    }
    bool normalises() const override { return true; }
    /// Phi^-1(sigmoid(z)), from the nearer tail, in float64.
    Tensor to_normal(const Tensor& z) const override {
        const Tensor far = -z.to(at::kDouble).abs();
        Tensor n = at::special_ndtri(at::sigmoid(far.clamp_min(kDeep)));
        if ((far < kDeep).any().item<bool>()) n = at::where(far < kDeep, deep_tail(far), n);
        return at::where(z > 0, -n, n).to(z.scalar_type());
    }
    /// logit(Phi(n)) = log Phi(n) - log Phi(-n).
    Tensor from_normal(const Tensor& n) const override {
        const Tensor wide = n.to(at::kDouble);
        return (at::special_log_ndtr(wide) - at::special_log_ndtr(-wide)).to(n.scalar_type());
    }

private:
    /// Where sigmoid(z) = exp(z) comes close to the least number of float64.
    static constexpr double kDeep = -700;

    /// n with log Phi(n) = z below there: the tail's expansion, then Newton's steps.
    static Tensor deep_tail(const Tensor& z) {
        const Tensor log_p = z.clamp_max(kDeep);
        Tensor n = -(-2 * log_p - at::log(-4 * std::numbers::pi * log_p)).sqrt();
        for (int step = 0; step < 3; ++step) {
            const Tensor log_cdf = at::special_log_ndtr(n);
            const Tensor log_bell = -0.5 * (n.square() + std::log(2 * std::numbers::pi));
            n = n - (log_cdf - log_p) * (log_cdf - log_bell).exp();
        }
        return n;
    }

    std::int64_t dimensions_;
};

class Uniform : public BaseDistribution {
public:
    explicit Uniform(std::int64_t dimensions) : dimensions_(dimensions) {}

    Tensor log_prob(const Tensor& z) const override {
        const double each = -std::log(2 * std::numbers::pi);
        return at::full({z.size(0)}, each * static_cast<double>(dimensions_), z.options());
    }
    Tensor sample(std::int64_t n, double temperature, Rng& rng, at::Device device) const override {
        PF_CHECK(temperature == 1, "sample.temperature", "1 for a uniform law", temperature);
        return (2 * rng.uniform({n, dimensions_}, at::kFloat, device) - 1) * std::numbers::pi;
    }

private:
    std::int64_t dimensions_;
};

class Mixture : public BaseDistribution {
public:
    Mixture(torch::nn::Module& own, std::int64_t components, std::int64_t dimensions)
        : mean_(own.register_parameter("mean", at::randn({components, dimensions}))),
          log_deviation_(
              own.register_parameter("log_deviation", at::zeros({components, dimensions}))),
          logit_(own.register_parameter("logit", at::zeros({components}))) {}

    Tensor log_prob(const Tensor& z) const override {
        const auto dtype = z.scalar_type();
        const Tensor s = log_deviation_.in(dtype);
        const Tensor off = (z.unsqueeze(1) - mean_.in(dtype)) * (-s).exp();
        const Tensor each =
            -0.5 * (off.square() + std::log(2 * std::numbers::pi)).sum(2) - s.sum(1);
        return at::logsumexp(each + at::log_softmax(logit_.in(dtype), 0), 1);
    }
    Tensor sample(std::int64_t n, double temperature, Rng& rng, at::Device device) const override {
        const Tensor share = at::softmax(logit_.parameter().to(at::kDouble), 0).cumsum(0);
        const Tensor u = rng.uniform({n, 1}, at::kDouble, device);
        const Tensor k = (u >= share.slice(0, 0, -1)).sum(1);
        const Tensor z = rng.normal({n, mean_.parameter().size(1)}, at::kFloat, device);
        return mean_.parameter().index_select(0, k) +
               temperature * log_deviation_.parameter().exp().index_select(0, k) * z;
    }
    void initialise(const Tensor& z, Rng rng) override {
        const at::NoGradGuard no_grad;
        const std::int64_t k = logit_.parameter().size(0);
        if (z.size(0) < k) return;  // too few to say where
        const Clusters found = k_means(z, k, rng);
        const Tensor x = z.to(at::kDouble);
        const Tensor count = found.member.bincount({}, k).to(at::kDouble);
        const Tensor off = x - found.centre.index_select(0, found.member);
        const Tensor square =
            at::zeros(found.centre.sizes(), x.options()).index_add(0, found.member, off.square());
        // a prior of one row with the spread within all clusters keeps small ones wide enough
        const Tensor within = square.sum(0) / static_cast<double>(x.size(0));
        const Tensor variance = (square + within) / (count + 1).unsqueeze(1);
        mean_.parameter().copy_(found.centre);
        log_deviation_.parameter().copy_(0.5 * at::log(variance.clamp_min(1e-12)));
        logit_.parameter().copy_(at::log(count + 1));
    }

private:
    Weight mean_, log_deviation_, logit_;
};

}  // namespace

void MixtureBaseOptions::visit(Fields& f) {
    f.integer("components", components, {.doc = "normals in it", .low = 1, .high = 10000});
}

Variant base_distributions() {
    return Variant(
        {{"normal", "N(0, I)", [] { return std::make_unique<Nothing>(); }},
         {"logistic", "independent logistics", [] { return std::make_unique<Nothing>(); }},
         {"mixture", "a mixture of normals that begins from the data",
          [] { return std::make_unique<MixtureBaseOptions>(); }},
         {"resampled", "normals of which a network accepts some",
          [] { return std::make_unique<ResampledBaseOptions>(); }}});
}

Variant angle_distributions() {
    return Variant(
        {{"uniform", "uniform on the torus", [] { return std::make_unique<Nothing>(); }}});
}

std::unique_ptr<BaseDistribution> make_base_distribution(const Variant& variant,
                                                         torch::nn::Module& parent,
                                                         const std::string& name,
                                                         std::int64_t dimensions) {
    if (const auto* o = variant.as<MixtureBaseOptions>())
        return std::make_unique<Mixture>(submodule(parent, name), o->components, dimensions);
    if (const auto* o = variant.as<ResampledBaseOptions>())
        return make_resampled(parent, name, *o, dimensions, std::make_unique<Normal>(dimensions));
    if (variant.name == "uniform") return std::make_unique<Uniform>(dimensions);
    if (variant.name == "logistic") return std::make_unique<Logistic>(dimensions);
    return std::make_unique<Normal>(dimensions);
}

}  // namespace pushforward
