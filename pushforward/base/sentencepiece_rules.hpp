#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pushforward {

/// The normalisation table of a SentencePiece model: a double-array trie (Aoe 1989, in the layout
/// of darts-clone) from byte strings to places in a list of texts that replace them.
class SentencePieceRules {
public:
    SentencePieceRules() = default;

    /// `compiled`: the trie's size in bytes (32 bits), the trie, the texts, each ended by a NUL.
    /// False when that is malformed.
    bool read(std::string_view compiled);

    struct Match {
        std::size_t length = 0;  ///< of what is replaced; 0 when no rule applies
        std::string_view text;   ///< what replaces it
    };
    /// The longest rule for a beginning of `text`.
    Match longest(std::string_view text) const;

private:
    std::vector<std::uint32_t> trie_;
    std::string texts_;
};

}  // namespace pushforward
