#pragma once

#include "pushforward/base/fields.hpp"
#include "pushforward/core/space.hpp"
#include "pushforward/nn/denoising_network.hpp"

#include <memory>

namespace pushforward {

struct UnetOptions : Options {
    std::int64_t channels = 64;
    Fields::Integers multipliers = {1, 2, 2};
    std::int64_t blocks = 2;
    Fields::Integers attention = {2};
    std::int64_t head_size = 32;
    std::int64_t groups = 32;

    void visit(Fields& f) override;
};

/// The U-Net of DDPM (Ho et al. 2020; Ronneberger et al. 2015): residual blocks of GroupNorm, SiLU
/// and 3x3 convolutions with the time's and condition's embedding added per channel, self-attention
/// at the levels `attention` (and then in the middle too), all skips concatenated. Parameters have
/// the names of diffusers' UNet2DModel, whose weights load by name. Any H and W: items are padded
/// with zeros to a multiple of 2^(levels-1) and cropped again. The last convolution of each block,
/// attention's output and conv_out begin at zero. UsageError unless spec.x is [1..4, H, W].
std::shared_ptr<DenoisingNetwork> make_unet(const UnetOptions& options, const DataSpec& spec,
                                            std::int64_t outputs = 1);

}  // namespace pushforward
