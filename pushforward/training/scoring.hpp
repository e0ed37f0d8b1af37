#pragma once

#include "pushforward/training/run.hpp"

#include <functional>

namespace pushforward {

/// What `score` is asked for.
struct ScoreRequest {
    std::string data;       ///< a SPEC
    std::string estimator;  ///< empty: the model's first
    std::uint64_t seed = 0;
    std::int64_t batch = 256;
    bool per_symbol = false;  ///< keep what each symbol gave
    std::function<void(std::int64_t done, std::int64_t n)> progress = {};
};

/// log p(x | c) of every row of the data, in nats of the data's own units.
struct Scores {
    Tensor log_prob;  ///< [N] float64
    Estimator estimator;
    /// For pictures of 8 bits: "uniform". Then log_prob is the mass of the picture of 256 levels:
    /// log p((255 x + u) / 256) - D log 256 with u uniform in [0, 1), whose mean over u is a lower
    /// bound (Uria et al. 2013; Theis et al. 2016), or the model's own such bound, "variational",
    /// with a u that it draws (Ho et al. 2019); "none" where the model has masses. Else empty.
    std::string dequantization;
    std::int64_t dims = 0;     ///< numbers an item
    std::int64_t symbols = 0;  ///< of all items, for models that say one after another
    /// Where they were asked for, a part of the items each: int64 [b, L], -1 beyond an item's end,
    /// and log p(s_i | s_<i), float64 [b, L].
    std::vector<Tensor> symbol_rows = {}, symbol_log_probs = {};

    double mean() const;
    double standard_error() const;
    /// -mean / (D log 2).
    double bits_per_dim() const;
};

/// UsageError when the model has no density or not that estimator, before any work.
Scores score_run(const OpenedRun& run, const ScoreRequest& request);

}  // namespace pushforward
