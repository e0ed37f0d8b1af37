#include "pushforward/data/shuffle.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/core/rng.hpp"

namespace pushforward {

Shuffle::Shuffle(std::int64_t n, std::uint64_t key) : n_(n), half_bits_(1) {
    PF_CHECK(n > 0, "Shuffle", "n of at least 1", n);
    while ((std::int64_t{1} << (2 * half_bits_)) < n && half_bits_ < 31) ++half_bits_;
    for (std::uint64_t round = 0; round < 6; ++round)
        keys_[round] = Rng::mix(key ^ Rng::mix(round));
}

std::uint64_t Shuffle::encrypt(std::uint64_t value) const {
    const std::uint64_t mask = (std::uint64_t{1} << half_bits_) - 1;
    std::uint64_t left = value >> half_bits_, right = value & mask;
    for (const std::uint64_t key : keys_) {
        const std::uint64_t next = left ^ (Rng::mix(right ^ key) & mask);
        left = right;
        right = next;
    }
    return left << half_bits_ | right;
}

std::int64_t Shuffle::operator()(std::int64_t place) const {
    auto value = static_cast<std::uint64_t>(place);
    do value = encrypt(value);
    while (value >= static_cast<std::uint64_t>(n_));  // at most four steps on average
    return static_cast<std::int64_t>(value);
}

}  // namespace pushforward
