#include "pushforward/nn/smooth_mlp.hpp"

#include "pushforward/kernels/linear.hpp"
#include "pushforward/nn/flops.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linalg_eigvalsh.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/softplus.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/zeros.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <cmath>

namespace pushforward {
namespace {

/// x W^T over the last dimension, counted.
Tensor product(const Tensor& x, const Tensor& w) {
    const int gradients =
        at::GradMode::is_enabled() ? int{x.requires_grad()} + int{w.requires_grad()} : 0;
    count_flops(2. * static_cast<double>(x.numel()) * static_cast<double>(w.size(0)), gradients);
    return linear_layer(x, w, {});
}

/// W min(1, bound / |W|_2) (Behrmann et al. 2019): |W|_2^2 is the largest eigenvalue of the
/// smaller of W W^T and W^T W, exact, so that the bound holds.
Tensor bounded(const Tensor& w, double bound) {
    const Tensor gram = w.size(0) < w.size(1) ? w.matmul(w.t()) : w.t().matmul(w);
    const Tensor square = at::linalg_eigvalsh(gram).select(0, -1);
    return w * (bound * square.clamp_min(bound * bound).rsqrt());
}

/// A slope of each row, [B, width], beside v [B, ..., width].
Tensor scaled(const Tensor& v, const Tensor& slopes) {
    return v * (v.dim() == 3 ? slopes.unsqueeze(1) : slopes);
}

}  // namespace

SmoothMlp::SmoothMlp(torch::nn::Module& parent, const std::string& name, const Shape& shape,
                     Activation activation)
    : shape_(shape) {
    torch::nn::Module& own = submodule(parent, name);
    for (std::int64_t i = 0; i <= shape.layers; ++i) {
        const bool last = i == shape.layers;
        const std::string number = std::to_string(i);
        Layer& layer = layers_.emplace_back();
        layer.linear =
            Linear(own, number, i == 0 ? shape.dimensions : shape.width,
                   last ? shape.dimensions : shape.width, last ? Init::zero : Init::uniform);
        if (last) break;
        torch::nn::Module& at = submodule(own, number);
        if (shape.context > 0)
            layer.projection = Linear(own, "context_" + number, shape.context, shape.width);
        if (shape.timed)
            layer.time = Weight(at.register_parameter("time", at::zeros({shape.width})));
        if (activation == Activation::lip_swish)
            layer.beta = Weight(at.register_parameter("beta", at::full({}, 0.5)));
    }
}

SmoothMlp::Prepared SmoothMlp::in(at::ScalarType dtype, const Tensor& context) const {
    const double each = std::pow(shape_.lipschitz, 1 / static_cast<double>(layers_.size()));
    Prepared all;
    for (const Layer& layer : layers_) {
        auto& l = all.layers_.emplace_back();
        l.weight = layer.linear.weight.in(dtype);
        if (shape_.lipschitz > 0) l.weight = bounded(l.weight, each);
        l.shift = layer.linear.bias.in(dtype);
        const bool last = &layer == &layers_.back();
        if (!last && shape_.context > 0 && context.defined())
            l.shift = l.shift + layer.projection(context.to(dtype));
        if (layer.time.parameter().defined()) l.time = layer.time.in(dtype);
        if (layer.beta.parameter().defined()) l.beta = at::softplus(layer.beta.in(dtype));
    }
    return all;
}

Tensor SmoothMlp::Prepared::run(Tensor h, const Tensor& t, std::vector<Tensor>* slopes) const {
    for (std::size_t i = 0; i < layers_.size(); ++i) {
        const Layer& l = layers_[i];
        h = product(h, l.weight) + l.shift;
        if (i + 1 == layers_.size()) break;
        if (l.time.defined()) h = h + t.to(h.scalar_type()).unsqueeze(1) * l.time;
        if (l.beta.defined()) {
            const Tensor u = l.beta * h, gate = at::sigmoid(u);
            if (slopes) slopes->push_back(gate * (1 + u * (1 - gate)) / 1.1);
            h = h * gate / 1.1;
        } else {
            h = at::tanh(h);
            if (slopes) slopes->push_back(1 - h.square());
        }
    }
    return h;
}

Tensor SmoothMlp::Prepared::value(const Tensor& x, const Tensor& t) const {
    return run(x, t, nullptr);
}

SmoothMlp::Local SmoothMlp::Prepared::at(const Tensor& x, const Tensor& t) const {
    Local local;
    local.y = run(x, t, &local.slopes);
    return local;
}

Tensor SmoothMlp::Prepared::along(const std::vector<Tensor>& slopes, const Tensor& v) const {
    Tensor h = v;
    for (std::size_t i = 0; i < slopes.size(); ++i)
        h = scaled(product(h, layers_[i].weight), slopes[i]);
    return product(h, layers_.back().weight);
}

Tensor SmoothMlp::Prepared::jacobian(const std::vector<Tensor>& slopes) const {
    // unit vectors go in: the first product is W_0's columns, for every row the same
    Tensor h = scaled(layers_.front().weight.t().unsqueeze(0), slopes[0]);
    for (std::size_t i = 1; i < slopes.size(); ++i)
        h = scaled(product(h, layers_[i].weight), slopes[i]);
    return product(h, layers_.back().weight).transpose(1, 2);
}

Tensor SmoothMlp::Prepared::trace(const std::vector<Tensor>& slopes) const {
    const Tensor& first = layers_.front().weight;
    const Tensor& last = layers_.back().weight;
    // tr(V diag(s) W) = sum_i s_i (W V)_ii
    if (slopes.size() == 1) return slopes[0].matmul((first * last.t()).sum(1));
    // tr(V diag(s) U diag(r) W) = sum_ij s_i U_ij (W V)_ji r_j
    if (slopes.size() == 2) {
        const Tensor across = layers_[1].weight * first.matmul(last).t();
        return (product(slopes[1], across.t()) * slopes[0]).sum(1);
    }
    return jacobian(slopes).diagonal(0, 1, 2).sum(1);
}

}  // namespace pushforward
