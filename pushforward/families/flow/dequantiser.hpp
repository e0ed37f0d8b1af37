#pragma once

#include "pushforward/bijections/bijection.hpp"
#include "pushforward/core/space.hpp"
#include "pushforward/nn/layers.hpp"

namespace pushforward {

/// Noise within the levels of a picture, and its log-density.
struct LevelNoise {
    Tensor noise, log_prob;  ///< [B, C, H, W] in (0, 1), and [B]
};

/// q(u | x) of variational dequantisation (Ho et al. 2019, sec. 3.1): u is the sigmoid of a flow of
/// four affine couplings on a checkerboard, from a normal, all told of the picture by convolutions.
class Dequantiser {
public:
    Dequantiser(torch::nn::Module& parent, const std::string& name, const Space& x,
                std::int64_t width);
    /// Row r depends on x's row, rng's key and its row alone; differentiable in the parameters.
    LevelNoise draw(const Tensor& x, Rng rng) const;
    /// What is seen of pictures begins with mean 0 and deviation 1, as those of `x`.
    void initialise(const Tensor& x) { norm_->initialise(x, {}); }

private:
    std::unique_ptr<Bijection> norm_;  ///< levels may lie close together
    Conv2d seen_;
    std::unique_ptr<Bijection> flow_;
};

}  // namespace pushforward
