#pragma once

#include "pushforward/kernels/packed_linear.hpp"
#include "pushforward/nn/layers.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace pushforward {

// What networks that say one symbol after another share. Units of a layer stand in runs: unit u of
// `width` is of group floor(u groups / width), so that a group and those before it are a prefix.

/// The group of each unit: int64 [width].
Tensor unit_groups(std::int64_t width, std::int64_t groups);
/// How many units are of groups before `group`.
std::int64_t units_before(std::int64_t group, std::int64_t width, std::int64_t groups);
/// Where an output of that group sees an input of this one: float32 [out, in], 1 or 0.
Tensor sight(const Tensor& output_groups, const Tensor& input_groups);

/// A convolution over `rows` rows up to a pixel's own and, in each, `left` columns before its own,
/// that one and `right`, at most `left`, beyond it; zeros lie outside, and entries of the weights
/// count as often as the mask says. [B, H, W, in] -> [B, H, W, out].
struct CausalConv {
    Weight weight, bias;
    std::int64_t rows = 0, left = 0;
    CausalConv() = default;
    CausalConv(torch::nn::Module& parent, const std::string& name, std::int64_t in,
               std::int64_t out, std::int64_t rows, std::int64_t left, std::int64_t right);
    Tensor operator()(const Tensor& x, const Tensor& mask = {}) const;
};

/// Weights [out, in] and bias [out] as they are now, laid out for few rows at a time.
PackedLinear packed(const Tensor& weight, const Tensor& bias);
PackedLinear packed(const Linear& layer);
/// Numbers on the CPU in float32, one after another; a copy.
std::vector<float> plain_numbers(const Tensor& x);

/// What the context [n, layer's inputs] adds to each of n rows, [n, out]; empty where it is
/// undefined. UsageError on behalf of `who` for another shape.
std::vector<float> projected(const std::string& who, const Linear& layer, const Tensor& context,
                             std::int64_t n);
/// y <- y + x for `n` numbers.
void add_to(float* y, const float* x, std::int64_t n);
/// x <- max(x, 0).
void relu_step(float* x, std::int64_t n);

/// What came, int64 [n, k] on the CPU, one after another, entries below 0 as 0. UsageError on
/// behalf of `who` for another number of rows, a symbol beyond K - 1, or for more than `room` of
/// them (-1: any number).
Tensor checked_symbols(const std::string& who, const Tensor& came, std::int64_t n,
                       std::int64_t symbols, std::int64_t room = -1);
/// [n, numbers / n], a copy.
Tensor rows_of(const std::vector<float>& numbers, std::int64_t n);

}  // namespace pushforward
