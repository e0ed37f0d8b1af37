#pragma once

#include "pushforward/core/model.hpp"
#include "pushforward/families/autoregressive/symbol_code.hpp"
#include "pushforward/nn/sequence_network.hpp"
#include "pushforward/samplers/symbol_sampler.hpp"

#include <functional>
#include <memory>

namespace pushforward {

/// A network over `symbols` symbols that hears `context` numbers of a condition (0: none).
using SequenceNetworkBuilder =
    std::function<std::shared_ptr<SequenceNetwork>(std::int64_t symbols, std::int64_t context)>;

/// The one model behind all that say one symbol after another:
///   log p(x | c) = sum_i log p(s_i | s_1 .. s_(i-1), c), exact, the log of a mass,
/// s the item's symbols in the order of `code`; a sample is drawn symbol by symbol from caches of
/// what came. Items longer than the network takes at once, C symbols, are taken in windows, each of
/// which begins C / 2 symbols after the one before; symbol i > C is predicted in the first window
/// that holds at least C / 2 symbols before it. Scores, samples and the codec share that rule.
/// Computes in float32, bfloat16 and float64; symbols are drawn in float32.
std::unique_ptr<Model> make_autoregressive(const DataSpec& spec, const SymbolSampling& sampling,
                                           std::unique_ptr<SymbolCode> code,
                                           const SequenceNetworkBuilder& build);

}  // namespace pushforward
