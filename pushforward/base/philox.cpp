#include "pushforward/base/philox.hpp"

#include "pushforward/base/vectorise.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace pushforward {
namespace {

constexpr std::size_t W = 64;  // blocks worked on together: four arrays of 256 bytes

struct Blocks {
    alignas(64) std::uint32_t x[4][W];
};

/// The ten rounds on the counters in `b`.
PF_INLINE void encipher(std::uint64_t key, Blocks& b) {
    auto k0 = static_cast<std::uint32_t>(key), k1 = static_cast<std::uint32_t>(key >> 32);
    for (int round = 0; round < 10; ++round) {
        for (std::size_t i = 0; i < W; ++i) {
            const std::uint64_t m0 = 0xD2511F53ull * b.x[0][i], m1 = 0xCD9E8D57ull * b.x[2][i];
            b.x[0][i] = static_cast<std::uint32_t>(m1 >> 32) ^ b.x[1][i] ^ k0;
            b.x[1][i] = static_cast<std::uint32_t>(m1);
            b.x[2][i] = static_cast<std::uint32_t>(m0 >> 32) ^ b.x[3][i] ^ k1;
            b.x[3][i] = static_cast<std::uint32_t>(m0);
        }
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
}

/// log(u) for u in (0, 1]: u = m 2^e with m in [sqrt(1/2), sqrt(2)), log m = 2 atanh((m-1)/(m+1)).
template <class T, class Bits, int mantissa, int terms>
PF_INLINE T log_unit(T u) {
    constexpr Bits one = std::bit_cast<Bits>(T(1));
    constexpr Bits root = std::bit_cast<Bits>(T(0.70710678118654752440));
    const Bits bits = std::bit_cast<Bits>(u);
    const Bits shifted = static_cast<Bits>(bits - root + one);  // exponent rounds at sqrt(1/2)
    const Bits e = static_cast<Bits>((shifted >> mantissa) - (one >> mantissa));
    const T m = std::bit_cast<T>(static_cast<Bits>(bits - static_cast<Bits>(e << mantissa)));
    const T s = (m - T(1)) / (m + T(1)), s2 = s * s;
    T series = T(1) / T(2 * terms + 1);
    for (int k = terms - 1; k >= 0; --k) series = series * s2 + T(1) / T(2 * k + 1);
    return T(2) * s * series + static_cast<T>(e) * T(0.69314718055994530942);
}

/// cos and sin of 2 pi w for w in [-1/2, 1/2]: a quarter turn is taken off, then Taylor's series.
template <class T, class Int, int terms>
PF_INLINE void turn(T w, T& cosine, T& sine) {
    const T shifted = w * T(4) + (w < T(0) ? T(-0.5) : T(0.5));
    const Int q = static_cast<Int>(shifted);  // nearest quarter, -2..2
    const T a = (w - static_cast<T>(q) * T(0.25)) * T(6.28318530717958647692), a2 = a * a;
    T s = T(1), c = T(1);
    for (int k = terms; k >= 1; --k) {
        s = T(1) - s * a2 * (T(1) / T((2 * k) * (2 * k + 1)));
        c = T(1) - c * a2 * (T(1) / T((2 * k - 1) * (2 * k)));
    }
    s = s * a;
    const T swapped_c = (q & 1) ? s : c, swapped_s = (q & 1) ? c : s;
    // quarter 0: (c, s), 1: (-s, c), 2 and -2: (-c, -s), -1 = 3: (s, -c)
    const Int quarter = q & 3;
    cosine = (quarter == 1 || quarter == 2) ? -swapped_c : swapped_c;
    sine = (quarter == 2 || quarter == 3) ? -swapped_s : swapped_s;
}

PF_INLINE void to_uniform(const Blocks& b, float* out) {
    for (std::size_t i = 0; i < W; ++i)
        for (std::size_t j = 0; j < 4; ++j)
            out[4 * i + j] =
                static_cast<float>(static_cast<std::int32_t>(b.x[j][i] >> 8)) * 0x1p-24f;
}

PF_INLINE void to_normal(const Blocks& b, float* out) {
    alignas(64) float z[4][W];
    for (std::size_t j = 0; j < 4; j += 2)
        for (std::size_t i = 0; i < W; ++i) {
            const float u =
                static_cast<float>(static_cast<std::int32_t>(b.x[j][i] >> 1)) * 0x1p-31f + 0x1p-32f;
            const float w = static_cast<float>(static_cast<std::int32_t>(b.x[j + 1][i])) * 0x1p-32f;
            const float r =
                std::sqrt(-2.0f * log_unit<float, std::int32_t, 23, 5>(u > 1.0f ? 1.0f : u));
            float c, s;
            turn<float, std::int32_t, 5>(w, c, s);
            z[j][i] = r * c;
            z[j + 1][i] = r * s;
        }
    for (std::size_t i = 0; i < W; ++i)
        for (std::size_t j = 0; j < 4; ++j) out[4 * i + j] = z[j][i];
}

PF_INLINE std::uint64_t word(const Blocks& b, std::size_t pair, std::size_t i) {
    return (static_cast<std::uint64_t>(b.x[2 * pair][i]) << 32) | b.x[2 * pair + 1][i];
}

PF_INLINE void to_uniform(const Blocks& b, double* out) {
    for (std::size_t i = 0; i < W; ++i)
        for (std::size_t j = 0; j < 2; ++j)
            out[2 * i + j] =
                static_cast<double>(static_cast<std::int64_t>(word(b, j, i) >> 11)) * 0x1p-53;
}

PF_INLINE void to_normal(const Blocks& b, double* out) {
    for (std::size_t i = 0; i < W; ++i) {
        const double u =
            static_cast<double>(static_cast<std::int64_t>(word(b, 0, i) >> 11)) * 0x1p-53 + 0x1p-54;
        const double w =
            static_cast<double>(static_cast<std::int64_t>(word(b, 1, i)) >> 11) * 0x1p-53;
        const double r =
            std::sqrt(-2.0 * log_unit<double, std::int64_t, 52, 12>(u > 1.0 ? 1.0 : u));
        double c, s;
        turn<double, std::int64_t, 10>(w, c, s);
        out[2 * i] = r * c;
        out[2 * i + 1] = r * s;
    }
}

PF_INLINE void to_bits(const Blocks& b, std::uint64_t* out) {
    for (std::size_t i = 0; i < W; ++i)
        for (std::size_t j = 0; j < 2; ++j) out[2 * i + j] = word(b, j, i);
}

/// One run: whole groups of W blocks straight into `out`, the rest by a buffer.
template <std::size_t lanes, class T, class Convert>
PF_INLINE void fill_run(PhiloxPlace place, std::size_t first, std::size_t n, T* out,
                        Convert convert) {
    Blocks b;
    alignas(64) T buffer[lanes * W];
    std::size_t skip = first % lanes;
    auto block = static_cast<std::uint32_t>(first / lanes);
    for (std::size_t done = 0; done < n; block += W) {
        for (std::size_t i = 0; i < W; ++i) {
            b.x[0][i] = block + static_cast<std::uint32_t>(i);
            b.x[1][i] = place.draw;
            b.x[2][i] = static_cast<std::uint32_t>(place.row);
            b.x[3][i] = static_cast<std::uint32_t>(place.row >> 32);
        }
        encipher(place.key, b);
        if (skip == 0 && n - done >= lanes * W) {
            convert(b, out + done);
            done += lanes * W;
        } else {
            convert(b, buffer);
            const std::size_t take = std::min(lanes * W - skip, n - done);
            std::copy_n(buffer + skip, take, out + done);
            done += take;
            skip = 0;
        }
    }
}

/// Runs of a few blocks each: W blocks hold several of them.
template <std::size_t lanes, class T, class Convert>
PF_INLINE void fill_short_runs(PhiloxPlace place, std::size_t n, T* out, std::size_t rows,
                               Convert convert) {
    Blocks b;
    alignas(64) T buffer[lanes * W];
    const std::size_t blocks = (n + lanes - 1) / lanes, together = W / blocks;
    for (std::size_t row = 0; row < rows; row += together) {
        for (std::size_t i = 0; i < W; ++i) {
            const std::uint64_t r = place.row + row + i / blocks;
            b.x[0][i] = static_cast<std::uint32_t>(i % blocks);
            b.x[1][i] = place.draw;
            b.x[2][i] = static_cast<std::uint32_t>(r);
            b.x[3][i] = static_cast<std::uint32_t>(r >> 32);
        }
        encipher(place.key, b);
        convert(b, buffer);
        for (std::size_t i = 0; i < std::min(together, rows - row); ++i)
            std::copy_n(buffer + i * blocks * lanes, n, out + (row + i) * n);
    }
}

template <std::size_t lanes, class T, class Convert>
PF_INLINE void fill(PhiloxPlace place, std::size_t first, std::size_t n, T* out, std::size_t rows,
                    Convert convert) {
    if (rows > 1 && first == 0 && 2 * n <= lanes * W)
        return fill_short_runs<lanes>(place, n, out, rows, convert);
    for (std::size_t i = 0; i < rows; ++i, ++place.row)
        fill_run<lanes>(place, first, n, out + i * n, convert);
}

}  // namespace

void philox_block(const std::uint32_t counter[4], const std::uint32_t key[2],
                  std::uint32_t out[4]) {
    Blocks b{};
    for (std::size_t j = 0; j < 4; ++j) b.x[j][0] = counter[j];
    encipher(key[0] | (static_cast<std::uint64_t>(key[1]) << 32), b);
    for (std::size_t j = 0; j < 4; ++j) out[j] = b.x[j][0];
}

PF_CLONES void philox_uniform(PhiloxPlace place, std::size_t first, std::size_t n, float* out,
                              std::size_t rows) {
    fill<4>(
        place, first, n, out, rows,
        [](const Blocks& b, float* o) __attribute__((always_inline)) { to_uniform(b, o); });
}
PF_CLONES void philox_uniform(PhiloxPlace place, std::size_t first, std::size_t n, double* out,
                              std::size_t rows) {
    fill<2>(
        place, first, n, out, rows,
        [](const Blocks& b, double* o) __attribute__((always_inline)) { to_uniform(b, o); });
}
PF_CLONES void philox_normal(PhiloxPlace place, std::size_t first, std::size_t n, float* out,
                             std::size_t rows) {
    fill<4>(
        place, first, n, out, rows,
        [](const Blocks& b, float* o) __attribute__((always_inline)) { to_normal(b, o); });
}
PF_CLONES void philox_normal(PhiloxPlace place, std::size_t first, std::size_t n, double* out,
                             std::size_t rows) {
    fill<2>(
        place, first, n, out, rows,
        [](const Blocks& b, double* o) __attribute__((always_inline)) { to_normal(b, o); });
}
PF_CLONES void philox_bits(PhiloxPlace place, std::size_t first, std::size_t n, std::uint64_t* out,
                           std::size_t rows) {
    fill<2>(
        place, first, n, out, rows,
        [](const Blocks& b, std::uint64_t* o) __attribute__((always_inline)) { to_bits(b, o); });
}

}  // namespace pushforward
