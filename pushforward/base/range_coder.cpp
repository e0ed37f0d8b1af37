#include "pushforward/base/range_coder.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "pushforward/base/byte_order.hpp"
#include "pushforward/base/errors.hpp"

namespace pushforward {
namespace {

using Wide = unsigned __int128;

/// floor(range count / 2^bits).
std::uint64_t share(std::uint64_t range, std::uint32_t count, int bits) {
    return static_cast<std::uint64_t>((static_cast<Wide>(range) * count) >> bits);
}

// Below this a word leaves. With at most 31 bits every count keeps an interval of its own.
constexpr std::uint64_t least_range = std::uint64_t{1} << 32;

}  // namespace

void RangeEncoder::encode(std::uint32_t low, std::uint32_t high, int bits) {
    PF_CHECK(bits >= 1 && bits <= 31, "range coder", "1 to 31 bits", bits);
    PF_CHECK(low < high && high <= std::uint32_t{1} << bits, "range coder",
             text("low < high <= 2^", bits), low, " and ", high);
    const std::uint64_t begin = share(range_, low, bits);
    range_ = share(range_, high, bits) - begin;
    low_ += begin;
    if (low_ < begin) carry();
    if (range_ >= least_range) return;
    for (int shift = 56; shift >= 32; shift -= 8)
        code_.push_back(static_cast<std::byte>(low_ >> shift));
    low_ <<= 32;
    range_ <<= 32;
}

void RangeEncoder::carry() {
    for (std::size_t i = code_.size(); i-- > 0;) {
        code_[i] = static_cast<std::byte>(std::to_integer<unsigned>(code_[i]) + 1);
        if (code_[i] != std::byte{0}) return;
    }
}

Buffer RangeEncoder::finish() {
    // The fewest bytes that name a point of [low, low + range): what is missing reads as zeros.
    int bytes = 0;
    std::uint64_t up = 0 - low_;  // to the next multiple of 256^(8 - bytes)
    while (up >= range_) up &= UINT64_MAX >> (8 * ++bytes);
    low_ += up;
    if (low_ < up) carry();
    for (int i = 0; i < bytes; ++i) code_.push_back(static_cast<std::byte>(low_ >> (56 - 8 * i)));
    return std::move(code_);
}

RangeDecoder::RangeDecoder(Bytes code) : code_(code) {
    point_ = std::uint64_t{next_word()} << 32;
    point_ |= next_word();
    point_ = std::min(point_, range_ - 1);  // no encoder writes the end of the range
}

std::uint32_t RangeDecoder::target(int bits) const {
    // The largest count whose share of the range is at most the point.
    return static_cast<std::uint32_t>((((static_cast<Wide>(point_) + 1) << bits) - 1) / range_);
}

void RangeDecoder::take(std::uint32_t low, std::uint32_t high, int bits) {
    const std::uint64_t begin = share(range_, low, bits);
    range_ = share(range_, high, bits) - begin;
    point_ -= begin;
    if (range_ >= least_range) return;
    range_ <<= 32;
    point_ = point_ << 32 | next_word();
}

std::int64_t RangeDecoder::overrun() const {
    return static_cast<std::int64_t>(read_) - static_cast<std::int64_t>(code_.size());
}

std::uint32_t RangeDecoder::next_word() {
    std::array<std::byte, 4> word{};
    if (read_ < code_.size())
        std::copy_n(code_.begin() + static_cast<std::ptrdiff_t>(read_),
                    std::min<std::size_t>(4, code_.size() - read_), word.begin());
    read_ += 4;
    return big_endian<std::uint32_t>(word, 0);
}

}  // namespace pushforward
