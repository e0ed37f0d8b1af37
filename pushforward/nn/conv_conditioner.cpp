#include "pushforward/nn/conv_conditioner.hpp"

#include "pushforward/nn/conditioner.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/relu.h>
#include <torch/nn/module.h>

namespace pushforward {
namespace {

Tensor projected(const Linear& projection, const Tensor& context) {
    if (context.dim() == 2) return projection(context).unsqueeze(2).unsqueeze(3);
    return projection(context.movedim(1, -1)).movedim(-1, 1);
}

}  // namespace

ConvConditioner::ConvConditioner(torch::nn::Module& parent, const std::string& name,
                                 const Shape& shape) {
    torch::nn::Module& own = submodule(parent, name);
    for (std::int64_t i = 0; i <= shape.layers; ++i) {
        const bool first = i == 0, last = i == shape.layers;
        const std::string number = std::to_string(i);
        Layer& layer = layers_.emplace_back();
        layer.conv = Conv2d(own, number, first ? shape.inputs : shape.width,
                            last ? shape.outputs : shape.width, first || last ? 3 : 1, 1,
                            last ? Init::zero : Init::uniform);
        if (shape.context > 0 && !last)
            layer.projection = Linear(own, "context_" + number, shape.context, shape.width);
    }
}

Tensor ConvConditioner::operator()(const Tensor& x, const Tensor& context) const {
    Tensor h = slow_beyond_data(x).contiguous(at::MemoryFormat::ChannelsLast);
    for (std::size_t i = 0; i < layers_.size(); ++i) {
        h = layers_[i].conv(h);
        if (i + 1 == layers_.size()) break;
        if (context.defined()) h = h + projected(layers_[i].projection, context);
        h = at::relu_(h);
    }
    return h;
}

}  // namespace pushforward
