#pragma once

#include <cstddef>
#include <cstdint>

namespace pushforward {

/// Where a run of random numbers lies: key, row, draw number. Element e of it comes from block
/// e / lanes of Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011) at the counter
/// (block, draw, row low, row high).
struct PhiloxPlace {
    std::uint64_t key = 0;
    std::uint64_t row = 0;
    std::uint32_t draw = 0;
};

/// One block of the generator: counter[4], key[2] -> out[4].
void philox_block(const std::uint32_t counter[4], const std::uint32_t key[2], std::uint32_t out[4]);

/// Elements [first, first + n) of the run; `first` is a multiple of 4. With `rows`, those of the
/// runs of rows place.row, place.row + 1, ... one after the other in `out`. Uniforms are in [0, 1)
/// with 24 (float) or 53 (double) random bits; normals are Box & Muller's (1958), with tails to 6.7
/// and 8.6 standard deviations. The same bits on every instruction set: dispatch at run time only
/// chooses the vector width.
void philox_uniform(PhiloxPlace place, std::size_t first, std::size_t n, float* out,
                    std::size_t rows = 1);
void philox_uniform(PhiloxPlace place, std::size_t first, std::size_t n, double* out,
                    std::size_t rows = 1);
void philox_normal(PhiloxPlace place, std::size_t first, std::size_t n, float* out,
                   std::size_t rows = 1);
void philox_normal(PhiloxPlace place, std::size_t first, std::size_t n, double* out,
                   std::size_t rows = 1);
void philox_bits(PhiloxPlace place, std::size_t first, std::size_t n, std::uint64_t* out,
                 std::size_t rows = 1);

}  // namespace pushforward
