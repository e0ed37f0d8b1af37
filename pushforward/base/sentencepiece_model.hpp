#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pushforward/base/file.hpp"

namespace pushforward {

/// What a SentencePiece model file says (sentencepiece_model.proto), as far as it is used.
struct SentencePieceModel {
    enum class Type { normal = 1, unknown, control, user_defined, unused, byte };
    struct Piece {
        std::string text;
        float score = 0;
        Type type = Type::normal;
    };

    std::vector<Piece> pieces;
    bool bpe = false;  ///< else unigram
    bool byte_fallback = false;
    std::string begin = "<s>", end = "</s>";
    std::string unknown_surface = " \xE2\x81\x87 ";  ///< what an unknown piece is decoded to
    std::string rules;  ///< the compiled normalisation table, see sentencepiece_rules.hpp
    bool dummy_prefix = true, remove_extra_blanks = true, escape_blanks = true;
};

/// Reads the model's protocol buffer; DataError names the byte of what is malformed, the piece that
/// stands twice, and what is not supported.
SentencePieceModel read_sentencepiece_model(const Blob& blob);

}  // namespace pushforward
