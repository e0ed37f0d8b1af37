#pragma once

#include <cstdint>

namespace pushforward {

/// A pseudo-random permutation of 0..n-1 without a table: a six-round Feistel cipher over the
/// next even power of two, walked until it lands below n (Black & Rogaway 2002).
/// Any element costs O(1), so shuffling a billion rows takes no memory and seeking takes no time.
class Shuffle {
public:
    Shuffle(std::int64_t n, std::uint64_t key);
    std::int64_t operator()(std::int64_t place) const;
    std::int64_t size() const { return n_; }

private:
    std::uint64_t encrypt(std::uint64_t value) const;

    std::int64_t n_;
    int half_bits_;
    std::uint64_t keys_[6];
};

}  // namespace pushforward
