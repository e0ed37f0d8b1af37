#include "pushforward/nn/conditioner.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/aminmax.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/log1p.h>
#include <ATen/ops/relu.h>
#include <torch/nn/module.h>

namespace pushforward {
namespace {

/// Degrees of `width` hidden units, 0..numbers-1 in turn: a unit of degree k sees inputs 0..k-1,
/// and output i sees units of degree i at most.
Tensor degrees(std::int64_t width, std::int64_t numbers) {
    return at::arange(width).remainder(numbers);
}

Tensor mask(torch::nn::Module& own, const Tensor& seen) {
    return own.register_buffer("mask", seen.to(at::kFloat));
}

}  // namespace

Tensor slow_beyond_data(const Tensor& x) {
    constexpr double far = 8;
    if (x.numel() == 0) return x;
    if (x.is_cpu()) {  // elsewhere the question would cost more than the answer
        const auto [low, high] = at::aminmax(x.detach());
        if (low.item<double>() >= -far && high.item<double>() <= far) return x;
    }
    const Tensor near = x.clamp(-far, far), beyond = x - near;
    return near + beyond.sign() * at::log1p(beyond.abs());
}

Conditioner::Conditioner(torch::nn::Module& parent, const std::string& name, const Shape& shape,
                         Sight sight)
    : shape_(shape) {
    torch::nn::Module& own = submodule(parent, name);
    const bool masked = sight == Sight::before;
    const Tensor hidden = degrees(shape.width, shape.numbers);
    for (std::int64_t i = 0; i <= shape.layers; ++i) {
        const bool first = i == 0, last = i == shape.layers;
        const std::string number = std::to_string(i);
        Layer& layer = layers_.emplace_back();
        layer.linear = Linear(own, number, first ? shape.inputs : shape.width,
                              last ? shape.numbers * shape.each : shape.width,
                              last ? Init::zero : Init::uniform);
        if (shape.context > 0 && !last)
            layer.projection = Linear(own, "context_" + number, shape.context, shape.width);
        if (!masked) continue;
        torch::nn::Module& module = submodule(own, number);
        if (last)
            layer.mask =
                mask(module, at::arange(shape.numbers).repeat_interleave(shape.each).unsqueeze(1) >=
                                 hidden);
        else
            layer.mask = mask(module, first ? hidden.unsqueeze(1) > at::arange(shape.inputs)
                                            : hidden.unsqueeze(1) >= hidden);
    }
}

Tensor Conditioner::operator()(const Tensor& x, const Tensor& context) const {
    Tensor h = slow_beyond_data(x);
    for (std::size_t i = 0; i < layers_.size(); ++i) {
        h = layers_[i].linear(h, layers_[i].mask);
        if (i + 1 == layers_.size()) break;
        if (context.defined()) h = h + layers_[i].projection(context);
        h = at::relu_(h);
    }
    return h.view({x.size(0), shape_.numbers, shape_.each});
}

}  // namespace pushforward
