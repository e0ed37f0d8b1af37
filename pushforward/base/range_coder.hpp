#pragma once

#include <cstdint>

#include "pushforward/base/file.hpp"

namespace pushforward {

/// Range coding (Martin 1979; carries as in Schindler 1998): the code is one binary fraction, most
/// significant byte first, inside the product of the intervals [low, high) / 2^bits. First in,
/// first out: a model that predicts from what came before runs once and no step of it is kept,
/// which rANS (Duda 2013), last in, first out, would ask of a block. The range has 64 bits, words
/// of 32 leave it, and it is cut by its exact product with the count, so that K symbols lose in
/// the mean below K 2^-30 bits a step, beside at most 9 at the end.
class RangeEncoder {
public:
    /// UsageError unless low < high <= 2^bits and bits is 1 to 31.
    void encode(std::uint32_t low, std::uint32_t high, int bits);
    std::size_t size() const { return code_.size(); }  ///< bytes so far, at most the final number
    Buffer finish();                                   ///< ends the code; call once

private:
    void carry();

    std::uint64_t low_ = 0, range_ = UINT64_MAX;
    Buffer code_;
};

/// What was encoded, for whoever says the same bits and intervals. Any bytes are safe to decode.
class RangeDecoder {
public:
    explicit RangeDecoder(Bytes code);
    /// The count in [0, 2^bits) that the code points at: the next symbol's interval holds it.
    std::uint32_t target(int bits) const;
    void take(std::uint32_t low, std::uint32_t high, int bits);
    /// Bytes read less bytes there are: 4 to 8 when all was decoded that had been encoded; above 8
    /// the code is cut short, below 4 some of it is left.
    std::int64_t overrun() const;

private:
    std::uint32_t next_word();

    Bytes code_;
    std::size_t read_ = 0;
    std::uint64_t point_ = 0, range_ = UINT64_MAX;  // point_ < range_, from the interval's begin
};

}  // namespace pushforward
