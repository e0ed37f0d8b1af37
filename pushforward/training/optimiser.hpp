#pragma once

#include "pushforward/core/objective.hpp"
#include "pushforward/training/options.hpp"

#include <map>

namespace pushforward {

/// Adam (Kingma & Ba 2015) and AdamW (Loshchilov & Hutter 2019) over a player's parameters:
///   m <- b1 m + (1 - b1) g,   v <- b2 v + (1 - b2) g²,
///   p <- p - lr (m / (1 - b1^k)) / (sqrt(v / (1 - b2^k)) + eps),  k = updates made so far.
/// AdamW first shrinks p by 1 - lr decay; Adam adds decay p to g. A parameter without a gradient
/// is left as it is. The moments have the parameter's own type.
class Optimiser {
public:
    Optimiser(const std::vector<ParameterGroup>& groups, const TrainOptions& options);

    /// One update with the gradients in `.grad()`; `learning_rate` is before the groups' scales.
    void step(double learning_rate);
    void zero_grad();

    /// sqrt(sum of squares) of all gradients, and their scaling to at most `limit`: 0-d tensors.
    Tensor gradient_norm() const;
    void clip(double norm, double limit);

    /// "NAME.m", "NAME.v" for each parameter and "updates", sharing memory with the optimiser.
    std::map<std::string, Tensor> state() const;
    /// Every parameter, with its name.
    std::vector<std::pair<std::string, Tensor>> parameters() const;

private:
    struct Entry {
        std::string name;
        Tensor parameter, m, v;
        double learning_rate_scale, weight_decay;
    };
    std::vector<Entry> entries_;
    OptimiserKind kind_;
    double beta1_, beta2_, epsilon_;
    Tensor updates_;  ///< int64 [entries]: how often each parameter was updated
};

}  // namespace pushforward
