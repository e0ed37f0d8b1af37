#include "pushforward/bijections/batch_norm.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/nn/layers.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/log.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <torch/nn/module.h>

#include <mutex>

namespace pushforward {
namespace {

constexpr double kLeast = 1e-5, kMomentum = 0.1;

class BatchNorm : public Bijection {
public:
    BatchNorm(torch::nn::Module& own, std::int64_t d)
        : own_(own),
          mean_(own.register_buffer("mean", at::zeros({d}))),
          variance_(own.register_buffer("variance", at::ones({d}))),
          log_scale_(own.register_parameter("log_scale", at::zeros({d}))),
          shift_(own.register_parameter("shift", at::zeros({d}))) {}

    Mapped forward(const Tensor& x, const Given&) const override {
        const bool learns = own_.is_training() && at::GradMode::is_enabled();
        const Moments m = learns ? moments(x) : running(x);
        if (learns) remember(m, x.size(0), kMomentum);
        const Tensor log_slope = this->log_slope(m);
        const Tensor y = log_slope.exp() * (x - m.mean) + shift_.in(x.scalar_type());
        return {y, log_slope.sum().expand({x.size(0)})};
    }
    Mapped inverse(const Tensor& y, const Given&) const override {
        const Moments m = running(y);
        const Tensor log_slope = this->log_slope(m);
        const Tensor x = (-log_slope).exp() * (y - shift_.in(y.scalar_type())) + m.mean;
        return {x, -log_slope.sum().expand({y.size(0)})};
    }
    void initialise(const Tensor& x, const Given&) override {
        if (x.size(0) > 1) remember(moments(x), x.size(0), 1);
    }

private:
    struct Moments {
        Tensor mean, variance;
    };
    static Moments moments(const Tensor& x) {
        PF_CHECK(x.size(0) > 1, "batch_norm", "batches of at least 2 rows", x.size(0));
        return {x.mean(0), x.var(0, false)};
    }
    Moments running(const Tensor& x) const {
        return {mean_.to(x.scalar_type()), variance_.to(x.scalar_type())};
    }
    Tensor log_slope(const Moments& m) const {
        const Tensor s = log_scale_.in(m.variance.scalar_type());
        return s - 0.5 * at::log(m.variance + kLeast);
    }
    /// The averages go towards the mean and the unbiased variance of n rows.
    void remember(const Moments& m, std::int64_t n, double share) const {
        const at::NoGradGuard no_grad;
        const double unbiased = static_cast<double>(n) / static_cast<double>(n - 1);
        const std::lock_guard lock(mutex_);
        mean_.lerp_(m.mean.to(mean_.scalar_type()), share);
        variance_.lerp_((unbiased * m.variance).to(variance_.scalar_type()), share);
    }

    const torch::nn::Module& own_;  ///< says whether it trains
    Tensor mean_, variance_;        ///< buffers
    Weight log_scale_, shift_;
    mutable std::mutex mutex_;
};

}  // namespace

std::unique_ptr<Bijection> make_batch_norm(torch::nn::Module& parent, const std::string& name,
                                           std::int64_t dimensions) {
    return std::make_unique<BatchNorm>(submodule(parent, name), dimensions);
}

}  // namespace pushforward
