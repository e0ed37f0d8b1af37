#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace pushforward {

using at::Tensor;

/// A splittable, counter-based generator: Philox4x32-10 (Salmon et al. 2011).
///
/// A draw is a pure function of (key, row, draw number, element): row r of a tensor drawn by
/// `normal({B, ...})` depends on `first_row() + r` alone, so sample i is the same in every batch,
/// and the bits do not depend on the number of threads or on the vector instructions.
/// `split` gives an independent stream; two equal generators give equal draws.
class Rng {
public:
    explicit Rng(std::uint64_t seed) : key_(mix(seed)) {}

    /// An independent stream numbered `stream` (a step, a purpose). Draws here do not move it.
    Rng split(std::uint64_t stream) const;
    /// The same stream whose rows begin at `first_row`, from its first draw on.
    Rng rows_from(std::int64_t first_row) const;

    /// Standard normal, uniform in [0, 1), and int64 uniform in [low, high), of `shape`; the first
    /// dimension is the row. Float32 unless `dtype` is kDouble. Made on the CPU, then moved.
    Tensor normal(at::IntArrayRef shape, at::ScalarType dtype = at::kFloat,
                  at::Device device = at::kCPU);
    Tensor uniform(at::IntArrayRef shape, at::ScalarType dtype = at::kFloat,
                   at::Device device = at::kCPU);
    Tensor integers(std::int64_t low, std::int64_t high, at::IntArrayRef shape,
                    at::Device device = at::kCPU);

    /// The next 64 bits of row `first_row()`, and a uniform number in [0, 1) made of them.
    std::uint64_t bits();
    double uniform_number();
    double normal_number();
    /// A random permutation of 0..n-1.
    std::vector<std::int64_t> permutation(std::int64_t n);

    std::uint64_t key() const { return key_; }
    std::int64_t first_row() const { return first_row_; }

    /// SplitMix64's finaliser (Steele, Lea & Flood 2014).
    static std::uint64_t mix(std::uint64_t x);

private:
    std::uint64_t key_;
    std::int64_t first_row_ = 0;
    std::uint32_t draw_ = 0;
};

/// Standard normal of x's shape and device, float64 where x is and float32 otherwise.
Tensor normal_like(const Tensor& x, Rng& rng);

}  // namespace pushforward
