#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "pushforward/base/file.hpp"

namespace pushforward {

/// A model of sequences as the codec asks it. The same calls in the same order must give the same
/// frequencies, bit for bit, in every process that is to decode (see integer_frequencies).
class SymbolModel {
public:
    virtual ~SymbolModel() = default;
    virtual void begin() = 0;  ///< nothing was seen yet
    /// Of each next symbol, at least 1, together at most 2^frequency_bits; what they leave is the
    /// escape's, for bytes that no symbol says. With nothing left such bytes are not coded.
    virtual std::span<const std::uint32_t> frequencies() = 0;
    virtual void push(std::uint32_t symbol) = 0;  ///< what came
};
inline constexpr int frequency_bits = 30;

/// What symbols say, as bytes.
struct Alphabet {
    std::vector<std::string> texts;  ///< one a symbol; empty: a symbol that content never holds
    /// Symbols whose texts, joined, are the content; texts.size() + b stands for a byte b outside.
    std::function<std::vector<std::uint32_t>(Bytes content)> parse;
};

/// The alphabet whose symbol i is the byte letters[i].
Alphabet byte_alphabet(const std::string& letters);

/// Losslessly codes the content: at most -sum log2 p / 8 + 64 bytes when one block holds it (2^bits
/// bytes at most, `block_bits` 4 to 24), and 12 more for each further block. Blocks that would grow
/// are stored raw. `model_hash`, 64 hexadecimal digits, stands for all that the frequencies depend
/// on: weights, options, and the version of the arithmetic. The file's layout is in compress.cpp.
Buffer compress(Bytes content, const std::string& model_hash, const Alphabet& alphabet,
                SymbolModel& model, int block_bits = 18);

/// The content again. DataError names the file and the place: cut, damaged, of another model or
/// version, above `cap`, with bytes behind its end, or not decoding to the content that went in.
Buffer decompress(const Blob& blob, const std::string& model_hash, const Alphabet& alphabet,
                  SymbolModel& model, std::uint64_t cap = default_cap);

}  // namespace pushforward
