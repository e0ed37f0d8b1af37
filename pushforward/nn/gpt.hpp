#pragma once

#include "pushforward/base/fields.hpp"
#include "pushforward/nn/sequence_network.hpp"

#include <memory>

namespace pushforward {

enum class Positions { learned, rotary };
enum class NormKind { layer, rms };
enum class FeedForward { gelu, swiglu };

/// A decoder-only transformer (Vaswani et al. 2017), normalised before each part (Radford et al.
/// 2019): the shapes of GPT-2 are learned positions, layer norms, GELU and a tied head; those of
/// Llama (Touvron et al. 2023) rotary positions (Su et al. 2021), RMS norms, SwiGLU (Shazeer 2020),
/// no biases, an untied head, and fewer heads for keys and values (Ainslie et al. 2023).
struct GptOptions : Options {
    std::int64_t layers = 4, heads = 4, width = 128, context = 256;
    std::int64_t key_heads = 0;  ///< heads of keys and values; 0: as many as heads
    std::int64_t hidden = 0;     ///< units between; 0: 4 width, and 8/3 of it for swiglu
    Positions positions = Positions::learned;
    NormKind norm = NormKind::layer;
    FeedForward feed_forward = FeedForward::gelu;
    bool tied = true, bias = true;
    double dropout = 0;
    double rotary_base = 10000;

    void visit(Fields& f) override;
};

/// Over `symbols` symbols; a row of the table after the last one stands before the first place.
/// `context` numbers of a condition are added there and at every place (0: none).
std::shared_ptr<SequenceNetwork> make_gpt_network(const GptOptions& options, std::int64_t symbols,
                                                  std::int64_t context);

}  // namespace pushforward
