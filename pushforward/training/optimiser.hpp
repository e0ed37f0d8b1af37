#pragma once

#include "pushforward/core/objective.hpp"
#include "pushforward/core/weights.hpp"
#include "pushforward/training/options.hpp"

namespace pushforward {

/// Adam (Kingma & Ba 2015) and AdamW (Loshchilov & Hutter 2019) over a player's parameters:
///   m <- b1 m + (1 - b1) g,   v <- b2 v + (1 - b2) g²,
///   p <- p - lr (m / (1 - b1^k)) / (sqrt(v / (1 - b2^k)) + eps),  k = updates made so far.
/// AdamW first shrinks p by 1 - lr decay; Adam adds decay p to g. A parameter without a gradient
/// is left as it is. The moments have the parameter's own type.
class Optimiser {
public:
    Optimiser(const std::vector<ParameterGroup>& groups, const TrainOptions& options);

    /// One update with the gradients in `.grad()`, each multiplied by `gradient_scale`;
    /// `learning_rate` is before the groups' scales.
    void step(double learning_rate, double gradient_scale = 1);
    void zero_grad();
    /// sqrt(sum of squares) over all gradients; the same for any number of threads.
    double gradient_norm() const;

    /// "NAME.m" and "NAME.v" for each parameter, and "updates", sharing the optimiser's memory.
    NamedTensors state() const;

private:
    struct Entry {
        std::string name;
        Tensor parameter, m, v;
        double learning_rate_scale, weight_decay;
    };
    void update(Entry& entry, std::int64_t k, double learning_rate, double gradient_scale) const;

    std::vector<Entry> entries_;
    TrainOptions options_;
    Tensor updates_;  ///< int64 [entries]: how often each parameter was updated
};

}  // namespace pushforward
