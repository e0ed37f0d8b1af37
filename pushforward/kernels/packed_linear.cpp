#include "pushforward/kernels/packed_linear.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/base/vectorise.hpp"

#include <ATen/Parallel.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

// Plain loops over vectors of the compiler's: left to itself, it keeps the sums in memory.
#define PF_UNROLL _Pragma("GCC unroll 16")
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__SANITIZE_ADDRESS__)
#define PF_PACKED_WIDE
#endif

namespace pushforward {
namespace {

// Outputs are taken 64 at a time, a panel. One panel after another, one input after another: 64 / n
// words of 32 bits, n = 1, 2 or 4 weights each; part p of word j, the lowest bits first, is output
// p 64 / n + j of the panel. So shifts and masks unpack a whole vector of words.
// An int8 is kept plus 128, as a byte.
constexpr std::int64_t kPanel = 64, kMostRows = 4;

std::int64_t parts_of(WeightType type) {
    return type == WeightType::float32 ? 1 : type == WeightType::bfloat16 ? 2 : 4;
}

/// To the nearest, ties to even; what is not a number stays so.
std::uint32_t bfloat16_bits(float v) {
    const auto bits = std::bit_cast<std::uint32_t>(v);
    if (std::isnan(v)) return (bits >> 16) | 0x40u;
    return (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
}

/// v / scale rounded, plus 128.
std::uint32_t int8_bits(float v, float scale) {
    const float q = scale > 0 ? std::nearbyint(v / scale) : 0.0f;
    return static_cast<std::uint32_t>(std::clamp(q, -127.0f, 127.0f) + 128.0f);
}

/// What is added to the sums of one panel, [height, 64], for rows of x that begin `x_row` numbers
/// after one another.
struct PanelSums {
    const std::uint32_t* weight;
    std::int64_t in;
    const float* x;
    std::int64_t x_row;
    float* to;
};

template <int bytes>
struct Vectors {
    typedef std::uint32_t Word __attribute__((vector_size(bytes)));
    typedef float Float __attribute__((vector_size(bytes)));
};

/// To the sums of vectors first .. first + span - 1 of each input's words.
template <int bytes, int parts, int height, int span>
PF_INLINE void add_vectors(const PanelSums& p, int first) {
    using Word = typename Vectors<bytes>::Word;
    using Float = typename Vectors<bytes>::Float;
    constexpr int lanes = bytes / 4, words = kPanel / parts;
    Float sum[height][span][parts];
    const auto place = [&](int r, int v, int i) {
        return p.to + r * kPanel + i * words + (first + v) * lanes;
    };
    PF_UNROLL for (int r = 0; r < height; ++r) PF_UNROLL for (int v = 0; v < span; ++v)
        PF_UNROLL for (int i = 0; i < parts; ++i) std::memcpy(&sum[r][v][i], place(r, v, i), bytes);
    const std::uint32_t* from = p.weight + first * lanes;
    const float* x = p.x;
    for (std::int64_t k = 0; k < p.in; ++k, from += words, ++x) {
        // 8 KiB ahead: unpacking fills the window in which the processor itself looks ahead.
        if constexpr (parts == 4 && height == 1) __builtin_prefetch(from + 128 * words);
        PF_UNROLL for (int v = 0; v < span; ++v) {
            Word word;
            std::memcpy(&word, from + v * lanes, bytes);
            PF_UNROLL for (int i = 0; i < parts; ++i) {
                Float weight;
                if constexpr (parts == 1)
                    weight = (Float)word;
                else if constexpr (parts == 2)
                    weight = (Float)(i == 0 ? word << 16 : word & 0xFFFF0000u);
                else if (i % 2 == 0)  // the bits of 2^23 + a byte
                    weight = (Float)((word >> (8 * i) & 0xFFu) | 0x4B000000u) - (0x1p23f + 128);
                else  // of 2^15 + a byte
                    weight =
                        (Float)((word >> (8 * i - 8) & 0xFF00u) | 0x47000000u) - (0x1p15f + 128);
                PF_UNROLL for (int r = 0; r < height; ++r) sum[r][v][i] += x[r * p.x_row] * weight;
            }
        }
    }
    PF_UNROLL for (int r = 0; r < height; ++r) PF_UNROLL for (int v = 0; v < span; ++v)
        PF_UNROLL for (int i = 0; i < parts; ++i) std::memcpy(place(r, v, i), &sum[r][v][i], bytes);
}

/// As many vectors together as `registers` hold the sums of.
template <int bytes, int registers, int parts, int height>
PF_INLINE void add_panel(const PanelSums& p) {
    constexpr int vectors = kPanel * 4 / parts / bytes;
    constexpr int most = static_cast<int>(std::bit_floor(registers / unsigned{parts * height}));
    constexpr int span = std::min(vectors, std::max(1, most));
    // where that is not a whole panel: so many inputs that their weights stay in the nearest cache
    const std::int64_t most_in = span == vectors ? p.in : std::min<std::int64_t>(p.in, 64 * parts);
    PanelSums q = p;
    for (std::int64_t k = 0; k < p.in; k += most_in) {
        q.in = std::min(most_in, p.in - k);
        for (int v = 0; v < vectors; v += span) add_vectors<bytes, parts, height, span>(q, v);
        q.weight += q.in * (kPanel / parts);
        q.x += q.in;
    }
}

template <int parts, int height>
void panel_plain(const PanelSums& p) {
    add_panel<16, 8, parts, height>(p);
}

using Panel = void (*)(const PanelSums&);
#ifdef PF_PACKED_WIDE
template <int parts, int height>
__attribute__((target("avx2"))) void panel_avx2(const PanelSums& p) {
    add_panel<32, 8, parts, height>(p);
}
template <int parts, int height>
__attribute__((target("avx512f"))) void panel_avx512(const PanelSums& p) {
    add_panel<64, 16, parts, height>(p);
}

template <int parts, int height>
Panel widest() {
    if (__builtin_cpu_supports("avx512f")) return panel_avx512<parts, height>;
    if (__builtin_cpu_supports("avx2")) return panel_avx2<parts, height>;
    return panel_plain<parts, height>;
}
#else
template <int parts, int height>
Panel widest() {
    return panel_plain<parts, height>;
}
#endif

template <int parts>
Panel panel_of_height(std::int64_t height) {
    static const Panel all[kMostRows] = {widest<parts, 1>(), widest<parts, 2>(), widest<parts, 3>(),
                                         widest<parts, 4>()};
    return all[height - 1];
}

Panel panel_for(WeightType type, std::int64_t height) {
    if (type == WeightType::float32) return panel_of_height<1>(height);
    return type == WeightType::bfloat16 ? panel_of_height<2>(height) : panel_of_height<4>(height);
}

}  // namespace

PackedLinear::PackedLinear(const float* weight, const float* bias, std::int64_t in,
                           std::int64_t out, WeightType type)
    : in_(in), out_(out), type_(type) {
    PF_CHECK(in >= 1 && out >= 1, "packed linear", "in and out of at least 1",
             text(in, " and ", out));
    const std::int64_t panels = (out + kPanel - 1) / kPanel, parts = parts_of(type);
    const std::int64_t words = kPanel / parts, bits = 32 / parts;
    weight_.assign(static_cast<std::size_t>(panels * in * words / 16), Line{});
    bias_.assign(static_cast<std::size_t>(panels * kPanel), 0.0f);
    if (bias) std::copy(bias, bias + out, bias_.begin());
    if (type == WeightType::int8) scale_.assign(bias_.size(), 0.0f);
    for (std::int64_t o = 0; o < out; ++o) {
        const float* row = weight + o * in;
        float scale = 0;
        if (type == WeightType::int8) {
            float most = 0;
            for (std::int64_t k = 0; k < in; ++k) {
                PF_CHECK(std::isfinite(row[k]), "packed linear", "finite weights for int8", row[k]);
                most = std::max(most, std::fabs(row[k]));
            }
            scale = scale_[static_cast<std::size_t>(o)] = most / 127.0f;
        }
        const std::int64_t panel = o / kPanel, part = o % kPanel / words, j = o % words;
        std::int64_t at = panel * in * words + j;
        for (std::int64_t k = 0; k < in; ++k, at += words) {
            const std::uint32_t number = type == WeightType::float32
                                             ? std::bit_cast<std::uint32_t>(row[k])
                                         : type == WeightType::bfloat16 ? bfloat16_bits(row[k])
                                                                        : int8_bits(row[k], scale);
            weight_[static_cast<std::size_t>(at / 16)].words[at % 16] |= number << (part * bits);
        }
    }
}

std::int64_t PackedLinear::bytes() const {
    return static_cast<std::int64_t>(weight_.size() * sizeof(Line) + scale_.size() * sizeof(float));
}

void PackedLinear::operator()(const float* x, std::int64_t x_row, std::int64_t rows, float* y,
                              std::int64_t y_row) const {
    if (rows <= 0 || out_ == 0) return;
    constexpr std::int64_t share = 1 << 19;  // products: a thread's least work
    const std::int64_t panels = (out_ + kPanel - 1) / kPanel;
    const std::int64_t lines = static_cast<std::int64_t>(weight_.size()) / panels;
    at::parallel_for(
        0, panels, 1 + share / (kPanel * in_ * rows), [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t panel = begin; panel < end; ++panel)
                for (std::int64_t r = 0; r < rows; r += kMostRows) {
                    alignas(64) float sums[kMostRows * kPanel] = {};
                    const std::int64_t height = std::min(kMostRows, rows - r);
                    const auto* weight = weight_[static_cast<std::size_t>(panel * lines)].words;
                    panel_for(type_, height)({weight, in_, x + r * x_row, x_row, sums});
                    const std::int64_t first = panel * kPanel,
                                       count = std::min(kPanel, out_ - first);
                    const float* bias = bias_.data() + first;
                    for (std::int64_t i = 0; i < height; ++i) {
                        const float* sum = sums + i * kPanel;
                        float* to = y + (r + i) * y_row + first;
                        if (type_ == WeightType::int8) {
                            const float* scale = scale_.data() + first;
                            for (std::int64_t j = 0; j < count; ++j)
                                to[j] = scale[j] * sum[j] + bias[j];
                        } else {
                            for (std::int64_t j = 0; j < count; ++j) to[j] = sum[j] + bias[j];
                        }
                    }
                }
        });
}

}  // namespace pushforward
