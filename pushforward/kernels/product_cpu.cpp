#include "pushforward/kernels/product_cpu.hpp"

#include <algorithm>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__SANITIZE_ADDRESS__)
#include <immintrin.h>
#define PF_AVX512 __attribute__((target("avx512f")))
#define PF_UNROLL _Pragma("GCC unroll 8")
#endif

namespace pushforward {

#ifdef PF_AVX512

namespace {

// A tile's 8 x 3 vectors of sums and what they are made of fill 28 of the 32 registers; so many
// terms of b that a panel of them stays in the cache.
constexpr std::int64_t kLanes = 16, kPanel = 3 * kLanes, kTerms = 256;

/// Adds `terms` products to a tile of c; `last` masks its last vector.
template <int height, int vectors>
PF_AVX512 void add_tile(const MatrixProduct& p, std::int64_t terms, const float* a, const float* b,
                        float* c, __mmask16 last) {
    __m512 sum[height][vectors];
    const auto mask = [&](int v) { return v + 1 == vectors ? last : __mmask16{0xffff}; };
    PF_UNROLL for (int i = 0; i < height; ++i) PF_UNROLL for (int v = 0; v < vectors; ++v)
        sum[i][v] = _mm512_maskz_loadu_ps(mask(v), c + i * p.n + v * kLanes);
    for (std::int64_t k = 0; k < terms; ++k, a += p.a.column, b += p.n) {
        __m512 row[vectors];
        PF_UNROLL for (int v = 0; v < vectors; ++v) row[v] =
            _mm512_maskz_loadu_ps(mask(v), b + v * kLanes);
        PF_UNROLL for (int i = 0; i < height; ++i) {
            const __m512 factor = _mm512_set1_ps(a[i * p.a.row]);
            PF_UNROLL for (int v = 0; v < vectors; ++v) sum[i][v] =
                _mm512_fmadd_ps(factor, row[v], sum[i][v]);
        }
    }
    PF_UNROLL for (int i = 0; i < height; ++i) PF_UNROLL for (int v = 0; v < vectors; ++v)
        _mm512_mask_storeu_ps(c + i * p.n + v * kLanes, mask(v), sum[i][v]);
}

using Tile = void (*)(const MatrixProduct&, std::int64_t, const float*, const float*, float*,
                      __mmask16);
template <int vectors>
constexpr Tile of_height[] = {add_tile<1, vectors>, add_tile<2, vectors>, add_tile<3, vectors>,
                              add_tile<4, vectors>, add_tile<5, vectors>, add_tile<6, vectors>,
                              add_tile<7, vectors>, add_tile<8, vectors>};
constexpr const Tile* tiles[] = {of_height<1>, of_height<2>, of_height<3>};

}  // namespace

bool multiplies() {
    static const bool has = __builtin_cpu_supports("avx512f") != 0;
    return has;
}

void multiply(const MatrixProduct& p, std::int64_t begin, std::int64_t end) {
    const MatrixView& start = p.bias;
    for (std::int64_t i = begin; i < end; ++i) {
        float* const row = p.c + i * p.n;
        const float* const from = start.at ? start.at + i * start.row : nullptr;
        if (!from)
            std::fill(row, row + p.n, 0.0F);
        else if (start.column == 1)
            std::copy(from, from + p.n, row);
        else
            for (std::int64_t j = 0; j < p.n; ++j) row[j] = from[j * start.column];
    }
    for (std::int64_t k = 0; k < p.k; k += kTerms) {
        const std::int64_t terms = std::min(kTerms, p.k - k);
        for (std::int64_t j = 0; j < p.n; j += kPanel) {
            const std::int64_t width = std::min(kPanel, p.n - j);
            const std::int64_t vectors = (width + kLanes - 1) / kLanes;
            const auto last = static_cast<__mmask16>(0xffff >> (vectors * kLanes - width));
            for (std::int64_t i = begin; i < end; i += product_strip) {
                const std::int64_t height = std::min(product_strip, end - i);
                tiles[vectors - 1][height - 1](p, terms, p.a.at + i * p.a.row + k * p.a.column,
                                               p.b + k * p.n + j, p.c + i * p.n + j, last);
            }
        }
    }
}

#else

bool multiplies() {
    return false;
}
void multiply(const MatrixProduct&, std::int64_t, std::int64_t) {}

#endif

}  // namespace pushforward
