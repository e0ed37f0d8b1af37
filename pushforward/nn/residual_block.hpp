#pragma once

#include "pushforward/nn/layers.hpp"

namespace pushforward {

/// x + conv2(SiLU(norm2(conv1(SiLU(norm1(x))) + time_emb_proj(e)))), x through a 1x1 convolution
/// where the number of channels changes (Ho et al. 2020). conv2 begins at zero.
struct ResidualBlock {
    GroupNorm norm1, norm2;
    Conv2d conv1, conv2, shortcut;
    Linear projection;

    ResidualBlock(torch::nn::Module& parent, const std::string& name, std::int64_t in,
                  std::int64_t out, std::int64_t embedding, std::int64_t groups);

    /// x [B, in, H, W]; e [B, embedding] is an embedding after SiLU.
    Tensor operator()(const Tensor& x, const Tensor& e) const;
};

}  // namespace pushforward
