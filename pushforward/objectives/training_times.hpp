#pragma once

#include "pushforward/base/fields.hpp"
#include "pushforward/core/model.hpp"

#include <string>

namespace pushforward {

/// How times are drawn while training.
struct TimeOptions : Options {
    std::string times = "model";  ///< model, uniform, logit_normal or last
    double location = 0, scale = 1;
    bool stratified = true;

    void visit(Fields& f) override;
};

/// n training times, float64 [n]; stratified: row r draws from the stratum pi(r) of n equal ones
/// for a random permutation pi (Kingma et al. 2021, antithetic times), so that the noise levels of
/// a batch cover the range evenly. The marginal of each row is the same as without.
Tensor draw_times(const Path& path, const TimeOptions& options, std::int64_t n, Rng& rng);

}  // namespace pushforward
