#pragma once

#include "pushforward/base/fields.hpp"
#include "pushforward/nn/sequence_network.hpp"

#include <cstdint>
#include <memory>

namespace pushforward {

struct WaveNetOptions : Options {
    std::int64_t features = 64;
    std::int64_t skip = 128;
    std::int64_t kernel = 2;
    std::int64_t layers = 8;
    std::int64_t cycles = 2;

    void visit(Fields& f) override;
    /// How many of the last symbols (the start symbol counts as one) a symbol's logits depend on:
    /// 1 + cycles sum_i (kernel - 1) 2^i over a cycle's layers i; the 1 is the embedding's.
    std::int64_t receptive_field() const;
};

/// WaveNet (van den Oord et al. 2016): embedded symbols, a start symbol before the first, through
/// causal convolutions of dilation 1, 2, 4, .. in each of several cycles, each with gated units
/// tanh(W_f * x + V_f c) sigmoid(W_g * x + V_g c) of its context c, a residual and a skip
/// connection; the skips' sum goes through two 1 x 1 layers after ReLUs. Before the beginning lie
/// zeros. The last layer begins at zero. `context` is the width of what it hears of a condition.
std::shared_ptr<SequenceNetwork> make_wavenet(const WaveNetOptions& options, std::int64_t symbols,
                                              std::int64_t context = 0);

}  // namespace pushforward
