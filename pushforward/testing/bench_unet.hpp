#pragma once

#include "pushforward/testing/bench.hpp"

namespace pushforward {

// The U-Net of diffusers' UNet2DModel(32, 1, 1, block_out_channels=(64, 128, 128), attention at the
// lowest level, heads of 8 channels): 6,469,889 parameters, DDPM with 1000 linear steps. `weights`
// are a safetensors file with its names, `batch` a safetensors or npz file with x [B, 1, 32, 32],
// noise of the same shape and t [B], steps counted from 0.

/// One step on 64 images: noise and steps drawn, the simple loss, backward, AdamW. `loss` is that
/// of the given weights on the given batch.
BenchResult bench_unet_train(const BenchRequest& request);
/// 16 images by 50 steps of DDIM, eta 0, leading spacing, x0 clamped to [-1, 1].
BenchResult bench_unet_sample(const BenchRequest& request);

}  // namespace pushforward
