#pragma once

#include <cstdint>

namespace pushforward {

// What a network of sequences does to one place of one row, beside products: the same bits for
// every instruction set. Sums go through 16 partial sums in a fixed order; nothing is fused.

/// y = (x - mean) / sqrt(variance + eps) gain + shift (Ba et al. 2016); y may be x, shift null.
void layer_norm_step(const float* x, const float* gain, const float* shift, std::int64_t n,
                     float eps, float* y);
/// y = x / sqrt(mean(x^2) + eps) gain (Zhang & Sennrich 2019); y may be x.
void rms_norm_step(const float* x, const float* gain, std::int64_t n, float eps, float* y);

/// x <- x Phi(x) by tanh: x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) (Hendrycks & Gimpel 2016).
void gelu_step(float* x, std::int64_t n);
/// x <- x sigmoid(x).
void silu_step(float* x, std::int64_t n);
/// y = tanh(a) sigmoid(b); y may be a or b.
void gate_step(const float* a, const float* b, std::int64_t n, float* y);

/// One LSTM cell (Hochreiter & Schmidhuber 1997) of n units: `gates` [4 n] are the sums for input,
/// forget, cell and output; c <- sigmoid(f) c + sigmoid(i) tanh(g), h <- sigmoid(o) tanh(c).
void lstm_step(const float* gates, std::int64_t n, float* c, float* h);

/// y [d] = sum_t softmax_t(q . k_t / sqrt(d)) v_t over places 0 .. places-1; k_t and v_t begin
/// `row` numbers after one another; `work` holds `places` numbers.
void attention_step(const float* q, const float* k, const float* v, std::int64_t places,
                    std::int64_t row, std::int64_t d, float* work, float* y);

}  // namespace pushforward
