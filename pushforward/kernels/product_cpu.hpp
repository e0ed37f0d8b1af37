#pragma once

#include <cstdint>

namespace pushforward {

/// A matrix of any layout: its first number and how far the next row's and the next column's are.
struct MatrixView {
    const float* at;
    std::int64_t row, column;
};

/// c = a b + bias: a [m, k] and bias [m, n] (null: zero; a step of 0 repeats) of any layout, b [k,
/// n] and c [m, n] contiguous.
struct MatrixProduct {
    std::int64_t m, k, n;
    MatrixView a;
    const float* b;
    MatrixView bias;
    float* c;
};

/// Whether this processor has the instructions (AVX-512) that `multiply` is written in.
bool multiplies();

/// Rows that `multiply` takes together: a thread's share is best a multiple.
constexpr std::int64_t product_strip = 8;

/// Rows [begin, end) of c. Each number is bias + a_i1 b_1j + a_i2 b_2j + ..., one fused
/// multiplication and addition after the other in that order: its bits depend neither on the rows
/// beside it nor on how threads share them. Only where `multiplies()`.
void multiply(const MatrixProduct& p, std::int64_t begin, std::int64_t end);

}  // namespace pushforward
