#include "pushforward/base/frequencies.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "pushforward/base/errors.hpp"

namespace pushforward {
namespace {

using Wide = unsigned __int128;

constexpr int grid_bits = 5, unit_bits = 40;
constexpr std::uint32_t grid_size = 1 << grid_bits;
constexpr float largest_logit = 0x1p20f;
constexpr std::size_t most_symbols = std::size_t{1} << 22;  // their weights sum below 2^63

// log2(e) to 29 bits times the grid: its product with a float has 53 bits and is exact.
constexpr double steps_per_nat = 0x1.7154765p0 * grid_size;

/// 2^(40 - i/32), by repeated products with 2^(-1/32) in 64 bits.
constexpr std::array<std::uint64_t, grid_size> powers_of_two() {
    constexpr std::uint64_t root = 0xfa83b2db722a033a;
    std::array<std::uint64_t, grid_size> out{};
    std::uint64_t power = std::uint64_t{1} << 63;
    for (auto& value : out) {
        value = power >> (63 - unit_bits);
        power = static_cast<std::uint64_t>((static_cast<Wide>(power) * root) >> 64);
    }
    return out;
}
constexpr auto powers = powers_of_two();

/// 2^(40 - steps/32).
std::uint64_t weight(std::uint32_t steps) {
    return powers[steps % grid_size] >> std::min<std::uint32_t>(steps / grid_size, 63);
}

}  // namespace

void integer_frequencies(std::span<const float> logits, std::uint32_t total,
                         std::span<std::uint32_t> out) {
    const std::size_t n = logits.size();
    PF_CHECK(n == out.size(), "integer frequencies", text(n, " of them"), out.size());
    PF_CHECK(n > 0 && n <= total && n <= most_symbols && total <= std::uint32_t{1} << 31,
             "integer frequencies", "1 to 2^22 symbols and a total from their number to 2^31", n,
             " symbols and a total of ", total);

    // Places on the grid, from an origin so low that truncation rounds.
    bool valid = true;
    float largest = -largest_logit;
    std::uint32_t highest = 0;
    for (std::size_t i = 0; i < n; ++i) {
        valid &= logits[i] <= largest_logit;  // false for NaN
        const float x = std::clamp(valid ? logits[i] : 0.0F, -largest_logit, largest_logit);
        largest = std::max(largest, x);
        out[i] = static_cast<std::uint32_t>(x * steps_per_nat + (0x1p26 + 0.5));
        highest = std::max(highest, out[i]);
    }
    if (!valid || largest == -largest_logit)
        throw NumericalError(
            "integer frequencies: expected logits of which the largest is within 2^20, got " +
            std::string(valid ? "none above -2^20" : "one above it or not a number"));

    std::uint64_t sum = 0;
    for (auto& place : out) sum += weight(place = highest - place);
    // (total - K) w / sum < 2^31 as w scale / 2^64; the scale fits since sum >= 2^40.
    const auto scale = static_cast<std::uint64_t>(
        (static_cast<Wide>(total - static_cast<std::uint32_t>(n)) << 64) / sum);
    const auto first = std::find(out.begin(), out.end(), 0U);
    std::uint32_t rest = total;
    for (auto& place : out) {
        place = 1 + static_cast<std::uint32_t>((static_cast<Wide>(weight(place)) * scale) >> 64);
        rest -= place;
    }
    *first += rest;
}

}  // namespace pushforward
