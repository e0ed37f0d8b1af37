#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace pushforward {

/// Which rows are for what; the three are disjoint and ascending.
struct Split {
    std::vector<std::int64_t> train, validation, test;
    std::string description;
};

/// The share held out for the test where the data bring no test set of their own.
inline constexpr double kTestShare = 0.1;
/// The share held out for validation where nobody says another.
inline constexpr double kDefaultValidation = 0.1;

/// How many of a document's n symbols, its first ones, are to train on: floor((1 - validation) n).
std::int64_t trained_symbols(std::int64_t n, double validation);

/// Splits n rows by a permutation that is a function of `seed`: its last tenth is the test set
/// (none when the data have their own, or when `validation` is 0: then nothing is held out), the
/// `validation` share before it the validation set, the rest is for training.
/// A larger share therefore contains a smaller one, and the test rows never depend on it.
Split split_rows(std::int64_t n, double validation, bool own_test, std::uint64_t seed);

}  // namespace pushforward
