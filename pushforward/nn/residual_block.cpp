#include "pushforward/nn/residual_block.hpp"

#include <ATen/TensorOperators.h>
#include <torch/nn/module.h>

namespace pushforward {

ResidualBlock::ResidualBlock(torch::nn::Module& parent, const std::string& name, std::int64_t in,
                             std::int64_t out, std::int64_t embedding, std::int64_t groups) {
    torch::nn::Module& own = submodule(parent, name);
    norm1 = GroupNorm(own, "norm1", in, groups);
    conv1 = Conv2d(own, "conv1", in, out);
    projection = Linear(own, "time_emb_proj", embedding, out);
    norm2 = GroupNorm(own, "norm2", out, groups);
    conv2 = Conv2d(own, "conv2", out, out, 3, 1, Init::zero);
    if (in != out) shortcut = Conv2d(own, "conv_shortcut", in, out, 1);
}

Tensor ResidualBlock::operator()(const Tensor& x, const Tensor& e) const {
    Tensor h = conv1(norm1(x, true));
    h = h + projection(e).unsqueeze(2).unsqueeze(3);
    h = conv2(norm2(h, true));
    return (shortcut.weight.parameter().defined() ? shortcut(x) : x) + h;
}

}  // namespace pushforward
