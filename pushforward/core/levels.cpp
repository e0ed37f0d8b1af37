#include "pushforward/core/levels.hpp"

#include <ATen/TensorOperators.h>

#include <cmath>

namespace pushforward {

double Levels::log_width() const {
    return std::log((high - low) / 256);
}

std::optional<Levels> levels_of(const Tensor& x) {
    if (x.dim() != 4) return {};
    for (const Levels range : {Levels{0, 1}, Levels{-1, 1}}) {
        const Tensor k = (x - range.low) * (255 / (range.high - range.low));
        const Tensor on =
            ((k - k.round()).abs() < 1e-3).logical_and(k > -0.5).logical_and(k < 255.5);
        if (on.all().item<bool>()) return range;
    }
    return {};
}

Tensor dequantised(const Tensor& x, const Levels& levels, const Tensor& u) {
    const double range = levels.high - levels.low;
    return levels.low + range * (255 * ((x - levels.low) / range) + u) / 256;
}

Tensor log_prob_of_data(const Density& density, const Estimator& estimator, const Tensor& x,
                        const Condition& c, const std::optional<Levels>& levels, Rng rng) {
    if (!levels || estimator.measure != Measure::density)
        return density.log_prob(x, c, estimator.name, rng);
    Rng noise = rng.split(0);
    const Tensor u = noise.uniform(x.sizes(), x.scalar_type(), x.device());
    const double width = static_cast<double>(x[0].numel()) * levels->log_width();
    return density.log_prob(dequantised(x, *levels, u), c, estimator.name, rng) + width;
}

}  // namespace pushforward
