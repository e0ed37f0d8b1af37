#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pushforward/base/file.hpp"
#include "pushforward/base/pre_split.hpp"
#include "pushforward/base/vocabulary.hpp"

namespace pushforward {

using BytePair = std::pair<Symbol, Symbol>;

/// Learns byte pairs (Sennrich, Haddow & Birch 2016, on bytes): symbols 0 to 255 are the bytes;
/// merge k joins the pair of neighbours that is seen most often inside the texts' pieces (the
/// smaller pair among equals) into symbol 256 + k. It ends early when no pair is seen twice. No two
/// symbols are spelt alike: the same bytes are merged in the same way wherever they stand.
/// Counts are kept up to date where a merge changes them, so that a merge costs what it touches.
std::vector<BytePair> learn_byte_pairs(std::span<const std::string_view> texts, std::int64_t merges,
                                       Split split = Split::ascii);

/// Bytes, then one symbol for each merge, then the marks (`unknown` is never needed).
VocabularyPointer byte_pair_vocabulary(const std::vector<BytePair>& merges,
                                       Split split = Split::ascii, const WantedMarks& marks = {});

/// GPT-2's pair of files (Radford et al. 2019): `vocab` maps pieces, whose bytes are written as
/// printable characters, to symbols; each line of `merges` is a pair, the first merged first.
/// <|endoftext|>, where it is there, is the begin and the end mark. DataError names file and entry.
VocabularyPointer read_gpt2_vocabulary(const Blob& vocab, const Blob& merges);

/// GPT-2's characters for bytes: 33-126, 161-172 and 174-255 are themselves, the others 256, 257,
/// ...
const std::array<char32_t, 256>& printable_bytes();

}  // namespace pushforward
