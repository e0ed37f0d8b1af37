#pragma once

#include "pushforward/core/model.hpp"

#include <optional>

namespace pushforward {

/// The range that 256 levels of 8 bits are spread over, both ends included.
struct Levels {
    double low, high;

    /// log of a level's share of the dequantised range, for each number: log P(k) of a level is
    /// the log-density of low + (high - low) (k + u) / 256 plus this, averaged over u.
    double log_width() const;
};

/// [0, 1] or [-1, 1], where all numbers of the pictures [B, C, H, W] lie on its levels.
std::optional<Levels> levels_of(const Tensor& x);

/// Pictures of levels k as reals: low + (high - low) (k + u) / 256, u in [0, 1) of x's shape (Uria
/// et al. 2013).
Tensor dequantised(const Tensor& x, const Levels& levels, const Tensor& u);

/// log p(x | c) of rows of data in model units, [B]. With `levels` it is the log of the mass of a
/// picture: an estimator of a mass takes it as it is, one of a dequantised measure draws its noise
/// itself, for a density uniform noise is drawn, and its expectation is a lower bound (Theis et al. 2016). Noise depends on rng
/// and the row alone.
Tensor log_prob_of_data(const Density& density, const Estimator& estimator, const Tensor& x,
                        const Condition& c, const std::optional<Levels>& levels, Rng rng);

}  // namespace pushforward
