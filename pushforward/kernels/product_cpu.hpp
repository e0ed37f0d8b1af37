#pragma once

#include <cstdint>

namespace pushforward {

/// c = a b + bias: a is m x k with the strides `row` and `column`, so that a transpose costs
/// nothing, b [k, n] and c [m, n] are contiguous, bias [n] or null.
struct MatrixProduct {
    std::int64_t m, k, n;
    const float* a;
    std::int64_t row, column;
    const float *b, *bias;
    float* c;
};

/// Whether this processor has the instructions (AVX-512) that `multiply` is written in.
bool multiplies();

/// Rows [begin, end) of c. Each number is bias + a_i1 b_1j + a_i2 b_2j + ..., one fused
/// multiplication and addition after the other in that order: its bits depend neither on the rows
/// beside it nor on how threads share them. Only where `multiplies()`.
void multiply(const MatrixProduct& p, std::int64_t begin, std::int64_t end);

}  // namespace pushforward
