#pragma once

#include "pushforward/training/options.hpp"

namespace pushforward {

/// The learning rate of update `step` = 0, 1, ... of `options.steps`: a linear rise over `warmup`
/// updates, lr (step + 1) / warmup, and then lr itself or half a cosine from lr down to zero at
/// the last step (Loshchilov & Hutter 2017): lr (1 + cos(pi (step - warmup) / (steps - warmup)))
/// / 2.
double learning_rate_at(const TrainOptions& options, std::int64_t step);

}  // namespace pushforward
