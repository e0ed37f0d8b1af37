#pragma once

#include "pushforward/base/fields.hpp"
#include "pushforward/core/model.hpp"

namespace pushforward {

/// How a symbol is drawn from logits l, the recipe's [sample] of models that say one symbol after
/// another, in this order: l of symbols that came are divided (above 0) or multiplied (below) by
/// `repetition_penalty` (Keskar et al. 2019); l <- l / temperature, 0: the largest; of the sorted
/// ones the first `top_k` are left (Fan et al. 2018), then the fewest whose probabilities add to
/// `top_p` (Holtzman et al. 2020), then those at least `min_p` times the largest (Nguyen et al.
/// 2024).
struct SymbolSampling : Options {
    double temperature = 1;
    std::int64_t top_k = 0;
    double top_p = 1, min_p = 0, repetition_penalty = 1;
    std::int64_t length = 500;  ///< symbols drawn at most, where items have no length of their own

    void visit(Fields& f) override;
    /// Whether symbols are drawn from the model's own law.
    bool plain() const;
};

/// The symbols that u in [0, 1), float64 [n], draws from logits [n, K]; `seen` int64 [n, t] came
/// before (-1: nothing): int64 [n].
Tensor draw_symbols(const Tensor& logits, const SymbolSampling& how, const Tensor& u,
                    const Tensor& seen);

/// Whole items as symbols, [n, L]; of varying length where `length` is 0: then -1 stands beyond
/// the symbol `end`, and the prompt's or the options' length is the most. log_prob, float64 [n], is
/// the model's own log p of what was drawn, whatever the options; `evaluations` counts steps. Who
/// hears (request.prompt.hear) hears an undefined tensor when it begins.
Samples sample_symbols(const Sequential& model, const SampleRequest& request,
                       const SymbolSampling& how, std::int64_t length, std::int64_t end, Rng rng);

}  // namespace pushforward
