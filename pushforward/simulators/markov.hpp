#pragma once

#include "pushforward/base/fields.hpp"
#include "pushforward/core/simulator.hpp"

#include <memory>

namespace pushforward {

/// `sim:markov`: a stationary Markov chain, P(x_t = x | past) = q_c(x) with c the symbols `lags`
/// places back and q_c ~ Dirichlet(concentration, ...) drawn from `law` (Shannon 1948 on such
/// sources). It begins in its stationary law over windows of max(lags) symbols, by power iteration.
/// `balanced`: q_c(x) = r_b(x - a mod K), r_b ~ Dirichlet, a the symbol max(lags) back and b those
/// at the other lags. Then independent uniform symbols are the stationary law of a window, so that
/// a context shorter than max(lags) tells nothing, and lags may be long.
struct MarkovOptions : Options {
    std::int64_t symbols = 8, length = 64, law = 0;
    Fields::Integers lags = {1, 2, 3};
    double concentration = 0.5;
    bool balanced = false;
    void visit(Fields& f) override;
};

/// Sequences of `length` symbols; log_prob is the log of the mass. UsageError for lags that do not
/// rise from 1 or more, that are not shorter than a sequence, or whose tables are too large.
std::unique_ptr<Simulator> make_markov(const MarkovOptions& options);

/// H(x_t | x_{t-1}, x_{t-2}, ...) = E[H(q_c)] in nats.
double entropy_rate(const MarkovOptions& options);
/// E[-log p(x)] of an item in nats: a window's entropy and the rate for each symbol after it.
double entropy(const MarkovOptions& options);

}  // namespace pushforward
