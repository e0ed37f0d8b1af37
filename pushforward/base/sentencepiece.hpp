#pragma once

#include "pushforward/base/file.hpp"
#include "pushforward/base/vocabulary.hpp"

namespace pushforward {

/// Reads a SentencePiece model file (Kudo & Richardson 2018): `unigram` (Kudo 2018, the most
/// probable segmentation) and `bpe`, with the model's own normalisation table, user-defined pieces
/// and bytes for what no piece covers, where the model has them. The begin, end and unknown marks
/// are the model's. What this does not do is refused with its reason: `word` and `char` models,
/// white space as a suffix, tables that are applied after decoding. Decoding gives a broken
/// character's bytes as they are, where SentencePiece writes U+FFFD. DataError names the byte.
VocabularyPointer read_sentencepiece(const Blob& model);

}  // namespace pushforward
