#pragma once

#include "pushforward/audit/claim.hpp"

#include <memory>

namespace pushforward {

/// The U-Net of denoising diffusion (Ronneberger et al. 2015; Ho et al. 2020) on pictures: it fits
/// eight of them to within a quarter of the smallest possible epsilon-loss, that of the posterior
/// mean over the eight; trained on sprites it draws sprites, whose factors have the data's law; and
/// it is convolutional: trained at one size it denoises another.
std::unique_ptr<Claim> make_image_unet();

}  // namespace pushforward
