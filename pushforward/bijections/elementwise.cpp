#include "pushforward/bijections/elementwise.hpp"

#include "pushforward/nn/layers.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/asinh.h>
#include <ATen/ops/hypot.h>
#include <ATen/ops/log.h>
#include <ATen/ops/logaddexp.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/sinh.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <torch/nn/module.h>

#include <cmath>

namespace pushforward {
namespace {

Weight zeros(torch::nn::Module& parent, const std::string& name, std::int64_t dimensions) {
    return Weight(parent.register_parameter(name, at::zeros({dimensions})));
}

/// A deviation as a divisor: 1 where there is none.
Tensor divisor(const Tensor& deviation) {
    return at::where(deviation > 0, deviation, at::ones_like(deviation));
}

class ActNorm : public Bijection {
public:
    ActNorm(torch::nn::Module& own, std::int64_t dimensions)
        : log_scale_(zeros(own, "log_scale", dimensions)),
          shift_(zeros(own, "shift", dimensions)) {}

    Mapped forward(const Tensor& x, const Tensor&) const override {
        const Tensor s = log_scale_.in(x.scalar_type());
        return {s.exp() * (x + shift_.in(x.scalar_type())), s.sum().expand({x.size(0)})};
    }
    Mapped inverse(const Tensor& y, const Tensor&) const override {
        const Tensor s = log_scale_.in(y.scalar_type());
        return {(-s).exp() * y - shift_.in(y.scalar_type()), -s.sum().expand({y.size(0)})};
    }
    void initialise(const Tensor& x, const Tensor&) override {
        const at::NoGradGuard no_grad;
        shift_.parameter().copy_(-x.mean(0));
        log_scale_.parameter().copy_(-at::log(divisor(x.std(0, false))));
    }

private:
    Weight log_scale_, shift_;
};

class Scale : public Bijection {
public:
    Scale(torch::nn::Module& own, std::int64_t dimensions)
        : log_scale_(zeros(own, "log_scale", dimensions)) {}

    Mapped forward(const Tensor& x, const Tensor&) const override {
        const Tensor s = log_scale_.in(x.scalar_type());
        return {s.exp() * x, s.sum().expand({x.size(0)})};
    }
    Mapped inverse(const Tensor& y, const Tensor&) const override {
        const Tensor s = log_scale_.in(y.scalar_type());
        return {(-s).exp() * y, -s.sum().expand({y.size(0)})};
    }

private:
    Weight log_scale_;
};

class Asinh : public Bijection {
public:
    Asinh(torch::nn::Module& own, std::int64_t dimensions)
        : log_scale_(zeros(own, "log_scale", dimensions)),
          shift_(zeros(own, "shift", dimensions)) {}

    Mapped forward(const Tensor& x, const Tensor&) const override {
        const Tensor s = log_scale_.in(x.scalar_type());
        const Tensor u = s.exp() * x + shift_.in(x.scalar_type());
        // d asinh(u) / du = 1 / hypot(1, u)
        return {at::asinh(u), (s - at::log(at::hypot(at::ones_like(u), u))).sum(1)};
    }
    Mapped inverse(const Tensor& y, const Tensor&) const override {
        const Tensor s = log_scale_.in(y.scalar_type());
        const Tensor x = (-s).exp() * (at::sinh(y) - shift_.in(y.scalar_type()));
        return {x, (at::logaddexp(y, -y) - std::log(2.0) - s).sum(1)};  // log cosh y
    }
    void initialise(const Tensor& x, const Tensor&) override {
        const at::NoGradGuard no_grad;
        const Tensor q = x.to(at::kDouble).quantile(at::tensor({0.25, 0.5, 0.75}, at::kDouble), 0);
        // a unit of asinh's argument is a deviation of a normal with these quartiles
        const Tensor scale = 1.349 / divisor(q[2] - q[0]);
        log_scale_.parameter().copy_(at::log(scale));
        shift_.parameter().copy_(-q[1] * scale);
    }

private:
    Weight log_scale_, shift_;
};

}  // namespace

std::unique_ptr<Bijection> make_act_norm(torch::nn::Module& parent, const std::string& name,
                                         std::int64_t dimensions) {
    return std::make_unique<ActNorm>(submodule(parent, name), dimensions);
}
std::unique_ptr<Bijection> make_scale(torch::nn::Module& parent, const std::string& name,
                                      std::int64_t dimensions) {
    return std::make_unique<Scale>(submodule(parent, name), dimensions);
}
std::unique_ptr<Bijection> make_asinh(torch::nn::Module& parent, const std::string& name,
                                      std::int64_t dimensions) {
    return std::make_unique<Asinh>(submodule(parent, name), dimensions);
}

}  // namespace pushforward
