#pragma once

#include "pushforward/base/fields.hpp"
#include "pushforward/core/objective.hpp"

#include <memory>

namespace pushforward {

struct LikelihoodOptions : Options {
    double condition_dropout = 0.1;
    std::string estimator;

    void visit(Fields& f) override;
};

/// Maximum likelihood: the mean of -log p(x | c) in nats of model units, for a model with an exact
/// density or an unbiased estimate of it. Minimising it minimises KL(data || model). Pictures of
/// 256 levels are dequantised anew each step, and a model's bound on their mass serves, too.
/// Condition rows are hidden with probability `condition_dropout`, so that p(x) is fitted, too.
std::unique_ptr<Objective> make_likelihood(const LikelihoodOptions& options);

}  // namespace pushforward
