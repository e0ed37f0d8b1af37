#pragma once

#include "pushforward/base/fields.hpp"
#include "pushforward/core/objective.hpp"

#include <memory>

namespace pushforward {

/// Which rows are noised and how much, and how images are varied.
struct ClassificationOptions : Options {
    double noise = 0.5, noise_low = 0.01, noise_high = 100;
    std::int64_t shift = 0;
    bool flip = false;

    void visit(Fields& f) override;
};

/// E -log p(label | x0 + s eps): s = 0 for the share 1 - noise of the rows, else log-uniform in
/// [noise_low, noise_high] (Dhariwal & Nichol 2021 for noised items). Rows whose label is not given
/// do not count. The term `accuracy` is the share of rows whose likeliest label is the right one.
std::unique_ptr<Objective> make_classification(const ClassificationOptions& options);

/// s [n] float64, drawn as the options say.
Tensor draw_noise_levels(const ClassificationOptions& options, std::int64_t n, Rng& rng);

/// Images [B, C, H, W], each moved by up to `shift` pixels along both axes (its border repeated)
/// and, with `flip`, mirrored left to right with probability 1/2.
Tensor varied(const Tensor& x, std::int64_t shift, bool flip, Rng& rng);

}  // namespace pushforward
