#include "pushforward/kernels/group_norm_silu_cpu.hpp"

#include "pushforward/base/vectorise.hpp"
#include "pushforward/kernels/exponential.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

namespace pushforward {
namespace {

PF_INLINE float load(float v) {
    return v;
}
PF_INLINE float load(std::uint16_t v) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(v) << 16);
}
PF_INLINE void store(float v, float& to) {
    to = v;
}
PF_INLINE void store(float v, std::uint16_t& to) {  // to the nearest, ties to even
    const auto bits = std::bit_cast<std::uint32_t>(v);
    to = static_cast<std::uint16_t>((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16);
}

/// 1 / (1 + exp(-z)); z is cut at +-60, well before products with the result become denormal and
/// slow.
PF_INLINE float sigmoid(float z) {
    return 1.0f / (1.0f + exponential_within(std::min(std::max(-z, -60.0f), 60.0f)));
}

/// Two float64 sums a channel, gathered in float32 over short runs of positions.
class ChannelSums {
public:
    explicit ChannelSums(std::int64_t channels)
        : first(static_cast<std::size_t>(channels)), second(first), a_(first.size()), b_(a_) {}
    std::vector<double> first, second;
    float* a() { return a_.data(); }
    float* b() { return b_.data(); }
    PF_INLINE void flush() {
        for (std::size_t c = 0; c < first.size(); ++c) {
            first[c] += static_cast<double>(a_[c]);
            second[c] += static_cast<double>(b_[c]);
            a_[c] = b_[c] = 0;
        }
    }

private:
    std::vector<float> a_, b_;
};
constexpr std::int64_t run = 32;

/// y = gain[c] x + shift[c] with the normalisation and the affine map in one.
struct Affine {
    std::vector<float> gain, shift;
    PF_INLINE Affine(const GroupNormItem& s, const float* weight, const float* bias,
                     const float* mean, const float* scale)
        : gain(static_cast<std::size_t>(s.channels)), shift(gain) {
        const std::int64_t width = s.channels / s.groups;
        for (std::int64_t c = 0; c < s.channels; ++c) {
            const auto i = static_cast<std::size_t>(c);
            gain[i] = scale[c / width] * weight[c];
            shift[i] = bias[c] - mean[c / width] * gain[i];
        }
    }
};

template <bool silu, class T>
PF_INLINE void apply(const GroupNormItem& s, const T* x, const Affine& map, T* y) {
    const float *gain = map.gain.data(), *shift = map.shift.data();
    for (std::int64_t p = 0; p < s.positions; ++p, x += s.channels, y += s.channels) {
#pragma GCC ivdep
        for (std::int64_t c = 0; c < s.channels; ++c) {
            const float z = load(x[c]) * gain[c] + shift[c];
            store(silu ? z * sigmoid(z) : z, y[c]);
        }
    }
}

template <class T>
PF_INLINE void forward(const GroupNormItem& s, const T* x, const float* weight, const float* bias,
                       T* y, float* mean, float* scale) {
    ChannelSums sums(s.channels);
    for (std::int64_t p = 0; p < s.positions; p += run) {
        const std::int64_t end = std::min(p + run, s.positions);
        float *a = sums.a(), *b = sums.b();
        std::int64_t q = p;
        for (; q + 4 <= end; q += 4) {
            const T *x0 = x + q * s.channels, *x1 = x0 + s.channels, *x2 = x1 + s.channels,
                    *x3 = x2 + s.channels;
#pragma GCC ivdep
            for (std::int64_t c = 0; c < s.channels; ++c) {
                const float v0 = load(x0[c]), v1 = load(x1[c]), v2 = load(x2[c]), v3 = load(x3[c]);
                a[c] += (v0 + v1) + (v2 + v3);
                b[c] += (v0 * v0 + v1 * v1) + (v2 * v2 + v3 * v3);
            }
        }
        for (; q < end; ++q)
            for (std::int64_t c = 0; c < s.channels; ++c) {
                const float v = load(x[q * s.channels + c]);
                a[c] += v;
                b[c] += v * v;
            }
        sums.flush();
    }
    const std::int64_t width = s.channels / s.groups;
    const auto count = static_cast<double>(width * s.positions);
    for (std::int64_t g = 0; g < s.groups; ++g) {
        double first = 0, second = 0;
        for (std::int64_t c = g * width; c < (g + 1) * width; ++c) {
            first += sums.first[static_cast<std::size_t>(c)];
            second += sums.second[static_cast<std::size_t>(c)];
        }
        const double m = first / count, variance = std::max(0.0, second / count - m * m);
        mean[g] = static_cast<float>(m);
        scale[g] = static_cast<float>(1 / std::sqrt(variance + s.eps));
    }
    const Affine map(s, weight, bias, mean, scale);
    s.silu ? apply<true>(s, x, map, y) : apply<false>(s, x, map, y);
}

/// g = dL/dz for z = gain x + shift, into scratch; its sums and those of g x, channel by channel.
template <bool silu, class T>
PF_INLINE void gradient_of_map(const GroupNormItem& s, const T* x, const T* dy, const Affine& map,
                               ChannelSums& sums, float* scratch) {
    const float *gain = map.gain.data(), *shift = map.shift.data();
    for (std::int64_t p = 0; p < s.positions; p += run) {
        const std::int64_t end = std::min(p + run, s.positions);
        float *a = sums.a(), *b = sums.b();
        for (std::int64_t q = p; q < end; ++q) {
            const T *xq = x + q * s.channels, *dq = dy + q * s.channels;
            float* to = scratch + q * s.channels;
#pragma GCC ivdep
            for (std::int64_t c = 0; c < s.channels; ++c) {
                const float v = load(xq[c]);
                float g = load(dq[c]);
                if (silu) {  // d(z sigmoid(z))/dz = sigmoid(z) (1 + z (1 - sigmoid(z)))
                    const float z = v * gain[c] + shift[c], e = sigmoid(z);
                    g = g * (e * (1.0f + z * (1.0f - e)));
                }
                to[c] = g;
                a[c] += g;
                b[c] += g * v;
            }
        }
        sums.flush();
    }
}

template <class T>
PF_INLINE void backward(const GroupNormItem& s, const T* x, const T* dy, const float* weight,
                        const float* bias, const float* mean, const float* scale, T* dx,
                        float* dweight, float* dbias, float* scratch) {
    const Affine map(s, weight, bias, mean, scale);
    ChannelSums sums(s.channels);
    s.silu ? gradient_of_map<true>(s, x, dy, map, sums, scratch)
           : gradient_of_map<false>(s, x, dy, map, sums, scratch);

    // With h = (x - mean) scale and M numbers a group:
    // dx = scale (weight g - mean_M(weight g) - h mean_M(weight g h)) = gain g + by_x x + rest.
    const std::int64_t width = s.channels / s.groups;
    const auto count = static_cast<double>(width * s.positions);
    std::vector<float> by_x(map.gain.size()), rest(map.gain.size());
    for (std::int64_t g = 0; g < s.groups; ++g) {
        const double m = static_cast<double>(mean[g]), r = static_cast<double>(scale[g]);
        double all = 0, along = 0;
        for (std::int64_t c = g * width; c < (g + 1) * width; ++c) {
            const auto i = static_cast<std::size_t>(c);
            const double sum = sums.first[i], product = r * (sums.second[i] - m * sum);
            dbias[c] = static_cast<float>(sum);
            dweight[c] = static_cast<float>(product);
            all += static_cast<double>(weight[c]) * sum;
            along += static_cast<double>(weight[c]) * product;
        }
        const double slope = -r * r * along / count;
        for (std::int64_t c = g * width; c < (g + 1) * width; ++c) {
            by_x[static_cast<std::size_t>(c)] = static_cast<float>(slope);
            rest[static_cast<std::size_t>(c)] = static_cast<float>(-r * all / count - slope * m);
        }
    }
    const float *gain = map.gain.data(), *slope = by_x.data(), *constant = rest.data();
    for (std::int64_t p = 0; p < s.positions; ++p) {
        const T* xp = x + p * s.channels;
        const float* g = scratch + p * s.channels;
        T* to = dx + p * s.channels;
#pragma GCC ivdep
        for (std::int64_t c = 0; c < s.channels; ++c)
            store(gain[c] * g[c] + slope[c] * load(xp[c]) + constant[c], to[c]);
    }
}

}  // namespace

PF_CLONES void group_norm_silu_item(const GroupNormItem& shape, const float* x, const float* weight,
                                    const float* bias, float* y, float* mean, float* scale) {
    forward(shape, x, weight, bias, y, mean, scale);
}
PF_CLONES void group_norm_silu_item(const GroupNormItem& shape, const std::uint16_t* x,
                                    const float* weight, const float* bias, std::uint16_t* y,
                                    float* mean, float* scale) {
    forward(shape, x, weight, bias, y, mean, scale);
}
PF_CLONES void group_norm_silu_item_backward(const GroupNormItem& shape, const float* x,
                                             const float* dy, const float* weight,
                                             const float* bias, const float* mean,
                                             const float* scale, float* dx, float* dweight,
                                             float* dbias, float* scratch) {
    backward(shape, x, dy, weight, bias, mean, scale, dx, dweight, dbias, scratch);
}
PF_CLONES void group_norm_silu_item_backward(const GroupNormItem& shape, const std::uint16_t* x,
                                             const std::uint16_t* dy, const float* weight,
                                             const float* bias, const float* mean,
                                             const float* scale, std::uint16_t* dx, float* dweight,
                                             float* dbias, float* scratch) {
    backward(shape, x, dy, weight, bias, mean, scale, dx, dweight, dbias, scratch);
}

}  // namespace pushforward
