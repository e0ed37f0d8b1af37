#pragma once

#include "pushforward/base/fields.hpp"
#include "pushforward/core/simulator.hpp"

#include <memory>

namespace pushforward {

/// The law of a number of `sim:pixels`.
enum class PixelLaw { normal, uniform };

/// `sim:pixels`: pictures whose pixels are independent. A pixel's channels are N(1/2, S) with S_ij
/// = deviation^2 correlation^|i - j|, or independent and uniform in [0, 1]; with `levels` each
/// number is one of 256, k / 255 where k / 256 <= number < (k + 1) / 256, the ends taking what lies
/// beyond.
struct PixelOptions : Options {
    std::int64_t channels = 3, size = 8;
    PixelLaw law = PixelLaw::normal;
    double correlation = 0, deviation = 0.1;
    bool levels = false;
    void visit(Fields& f) override;
};

/// Its log_prob is the density, and with `levels` the log of the mass. UsageError for correlated
/// channels that are uniform or have levels.
std::unique_ptr<Simulator> make_pixels(const PixelOptions& options);

}  // namespace pushforward
