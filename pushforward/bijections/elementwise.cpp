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
#include <vector>

namespace pushforward {
namespace {

Weight zeros(torch::nn::Module& parent, const std::string& name, std::int64_t dimensions) {
    return Weight(parent.register_parameter(name, at::zeros({dimensions})));
}

/// A deviation as a divisor: 1 where there is none.
Tensor divisor(const Tensor& deviation) {
    return at::where(deviation > 0, deviation, at::ones_like(deviation));
}

/// A number a column of [B, D] or a channel of [B, C, H, W], as it broadcasts.
Tensor along(const Tensor& each, const Tensor& x) {
    std::vector<std::int64_t> shape(static_cast<std::size_t>(x.dim()), 1);
    shape[1] = -1;
    return each.view(shape);
}

/// How many numbers of a row share one of `each`.
std::int64_t shared(const Tensor& each, const Tensor& x) {
    return x.numel() / (x.size(0) * each.size(0));
}

class ActNorm : public Bijection {
public:
    ActNorm(torch::nn::Module& own, std::int64_t channels)
        : log_scale_(zeros(own, "log_scale", channels)), shift_(zeros(own, "shift", channels)) {}

    Mapped forward(const Tensor& x, const Given&) const override {
        const Tensor s = log_scale_.in(x.scalar_type()), b = shift_.in(x.scalar_type());
        return {along(s.exp(), x) * (x + along(b, x)),
                (s.sum() * shared(s, x)).expand({x.size(0)})};
    }
    Mapped inverse(const Tensor& y, const Given&) const override {
        const Tensor s = log_scale_.in(y.scalar_type()), b = shift_.in(y.scalar_type());
        return {along((-s).exp(), y) * y - along(b, y),
                -(s.sum() * shared(s, y)).expand({y.size(0)})};
    }
    void initialise(const Tensor& x, const Given&) override {
        const at::NoGradGuard no_grad;
        const Tensor columns = x.movedim(1, -1).reshape({-1, x.size(1)}).to(at::kDouble);
        shift_.parameter().copy_(-columns.mean(0));
        log_scale_.parameter().copy_(-at::log(divisor(columns.std(0, false))));
    }

private:
    Weight log_scale_, shift_;
};

class Scale : public Bijection {
public:
    Scale(torch::nn::Module& own, std::int64_t dimensions)
        : log_scale_(zeros(own, "log_scale", dimensions)) {}

    Mapped forward(const Tensor& x, const Given&) const override {
        const Tensor s = log_scale_.in(x.scalar_type());
        return {s.exp() * x, s.sum().expand({x.size(0)})};
    }
    Mapped inverse(const Tensor& y, const Given&) const override {
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

    Mapped forward(const Tensor& x, const Given&) const override {
        const Tensor s = log_scale_.in(x.scalar_type());
        const Tensor u = s.exp() * x + shift_.in(x.scalar_type());
        // d asinh(u) / du = 1 / hypot(1, u)
        return {at::asinh(u), (s - at::log(at::hypot(at::ones_like(u), u))).sum(1)};
    }
    Mapped inverse(const Tensor& y, const Given&) const override {
        const Tensor s = log_scale_.in(y.scalar_type());
        const Tensor x = (-s).exp() * (at::sinh(y) - shift_.in(y.scalar_type()));
        return {x, (at::logaddexp(y, -y) - std::log(2.0) - s).sum(1)};  // log cosh y
    }
    void initialise(const Tensor& x, const Given&) override {
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
                                         std::int64_t channels) {
    return std::make_unique<ActNorm>(submodule(parent, name), channels);
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
