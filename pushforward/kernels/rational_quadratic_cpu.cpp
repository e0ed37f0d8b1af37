#include "pushforward/kernels/rational_quadratic_cpu.hpp"

#include "pushforward/base/vectorise.hpp"
#include "pushforward/kernels/exponential.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace pushforward {
namespace {

constexpr double least = 1e-3;  // share of a bin's width and height, and slope

PF_INLINE double exponential(double v) {
    return std::exp(v);
}
PF_INLINE double logarithm(double v) {
    return std::log(v);
}

PF_INLINE float exponential(float v) {
    return exponential_within(std::min(std::max(v, -80.0f), 80.0f));
}

/// k ln 2 + 2 atanh((m - 1) / (m + 1)) with m in [sqrt(1/2), sqrt 2); normal positive numbers.
PF_INLINE float logarithm(float v) {
    const auto bits = std::bit_cast<std::int32_t>(v);
    const std::int32_t k = (bits - 0x3F3504F3) >> 23;
    const float m = std::bit_cast<float>(bits - (k << 23));
    const float s = (m - 1.0f) / (m + 1.0f), s2 = s * s;
    float p = 1.0f / 9;
    p = p * s2 + 1.0f / 7;
    p = p * s2 + 1.0f / 5;
    p = p * s2 + 1.0f / 3;
    p = p * s2 + 1.0f;
    return static_cast<float>(k) * 0.693147181f + 2.0f * s * p;
}

/// log(1 + e^v), and its derivative.
template <class T>
struct Soft {
    T value, slope;
};
template <class T>
PF_INLINE Soft<T> softplus(T v) {
    const T e = exponential(v > T(0) ? -v : v);
    const T low = e / (T(1) + e);
    return {(v > T(0) ? v : T(0)) + logarithm(T(1) + e), v > T(0) ? T(1) - low : low};
}

/// softplus(shift) = 1 - least: no parameter is slope 1.
const double shift = std::log(std::expm1(1 - least));

constexpr int lanes = 16;
template <class T>
using Lane = T[lanes];

/// Where among the raw slopes that of knot k is, -1 where the slope is 1: the ends of a circular
/// spline are one knot, the first.
template <bool circular>
PF_INLINE int slope_at(int bins, int knot) {
    if constexpr (circular) return knot == bins ? 0 : knot;
    return knot == 0 || knot == bins ? -1 : knot - 1;
}

/// Whether a point is moved; on a circle all are.
template <bool circular, class T>
PF_INLINE bool is_inside(T v, T bound) {
    return circular || (v > -bound && v < bound);
}

/// A point that the spline is asked about in place of v: rounding may have left the circle.
template <bool circular, class T>
PF_INLINE T asked(T v, T bound) {
    if constexpr (circular) return std::min(std::max(v, -bound), bound);
    return v > -bound && v < bound ? v : T(0);
}

/// Splines of `lanes` numbers side by side, and the bin of each that its point is in.
template <class T>
struct Block {
    Lane<T> share[2][kMostBins];  ///< softmax of the widths' and heights' parameters
    Lane<T> low_x, width, low_y, height, left, right;  ///< the bin; raw slopes at its ends
    Lane<T> bin;
};

/// Fills the block for points on the x axis (side 0) or on the y axis (side 1).
template <bool circular, class T>
PF_INLINE void open(const SplineRow& row, int side, const Lane<T>& point, const T* parameters,
                    std::int64_t count, Block<T>& b) {
    const auto bins = static_cast<int>(row.bins), each = 3 * bins - (circular ? 0 : 1);
    const T bound = static_cast<T>(row.bound), span = 2 * bound;
    const T rest = static_cast<T>(1 - least * static_cast<double>(bins)), floor = T(least);
    for (int half = 0; half < 2; ++half) {
        auto& share = b.share[half];
        for (int k = 0; k < bins; ++k)
            for (int i = 0; i < lanes; ++i) {
                const std::int64_t at = i < count ? i : 0;
                share[k][i] = parameters[at * each + half * bins + k];
            }
        Lane<T> most, sum{};
        for (int i = 0; i < lanes; ++i) most[i] = share[0][i];
        for (int k = 1; k < bins; ++k)
            for (int i = 0; i < lanes; ++i) most[i] = std::max(most[i], share[k][i]);
        for (int k = 0; k < bins; ++k)
            for (int i = 0; i < lanes; ++i) {
                share[k][i] = exponential(share[k][i] - most[i]);
                sum[i] += share[k][i];
            }
        for (int k = 0; k < bins; ++k)
            for (int i = 0; i < lanes; ++i) share[k][i] /= sum[i];
    }
    Lane<T> knot_x, knot_y;
    for (int i = 0; i < lanes; ++i) knot_x[i] = knot_y[i] = -bound;
    for (int k = 0; k < bins; ++k) {
        Lane<T> before, after;
        const int first = slope_at<circular>(bins, k), second = slope_at<circular>(bins, k + 1);
        for (int i = 0; i < lanes; ++i) {
            const T* r = parameters + (i < count ? i : 0) * each + 2 * bins;
            before[i] = first >= 0 ? r[first] : T(0);
            after[i] = second >= 0 ? r[second] : T(0);
        }
        for (int i = 0; i < lanes; ++i) {
            const T w = span * (floor + rest * b.share[0][k][i]);
            const T h = span * (floor + rest * b.share[1][k][i]);
            const bool here = k == 0 || point[i] >= (side == 0 ? knot_x[i] : knot_y[i]);
            b.low_x[i] = here ? knot_x[i] : b.low_x[i];
            b.low_y[i] = here ? knot_y[i] : b.low_y[i];
            b.width[i] = here ? w : b.width[i];
            b.height[i] = here ? h : b.height[i];
            b.left[i] = here ? before[i] : b.left[i];
            b.right[i] = here ? after[i] : b.right[i];
            b.bin[i] = here ? T(k) : b.bin[i];
            knot_x[i] += w;
            knot_y[i] += h;
        }
    }
}

template <bool inverse, bool circular, class T>
PF_INLINE void map(const SplineRow& row, const T* from, const T* parameters, T* to, T* log_slope) {
    const T bound = static_cast<T>(row.bound);
    const std::int64_t each = 3 * row.bins - (circular ? 0 : 1);
    Block<T> b;
    for (std::int64_t n = 0; n < row.n; n += lanes) {
        const std::int64_t count = std::min<std::int64_t>(lanes, row.n - n);
        Lane<T> given, point, answer, slope;
        for (int i = 0; i < lanes; ++i) {
            given[i] = i < count ? from[n + i] : T(0);
            point[i] = asked<circular>(given[i], bound);
        }
        open<circular>(row, inverse ? 1 : 0, point, parameters + n * each, count, b);
        for (int i = 0; i < lanes; ++i) {
            const T d0 = T(least) + softplus(b.left[i] + T(shift)).value;
            const T d1 = T(least) + softplus(b.right[i] + T(shift)).value;
            const T s = b.height[i] / b.width[i], bend = d0 + d1 - 2 * s;
            T xi;
            if constexpr (inverse) {  // the root in [0, 1] of a xi^2 + c1 xi + c0
                const T rise = point[i] - b.low_y[i];
                const T a = b.height[i] * (s - d0) + rise * bend;
                const T c1 = b.height[i] * d0 - rise * bend, c0 = -s * rise;
                const T under = std::max(c1 * c1 - 4 * a * c0, T(0));
                xi = 2 * c0 / (-c1 - std::sqrt(under));
            } else {
                xi = (point[i] - b.low_x[i]) / b.width[i];
            }
            const T back = 1 - xi, both = xi * back;
            const T below = s + bend * both;
            const T above = s * xi * xi + d0 * both;
            const T steep = d1 * xi * xi + 2 * s * both + d0 * back * back;
            const T l = 2 * logarithm(s) + logarithm(steep) - 2 * logarithm(below);
            const T moved =
                inverse ? b.low_x[i] + xi * b.width[i] : b.low_y[i] + b.height[i] * above / below;
            const bool inside = is_inside<circular>(given[i], bound);
            answer[i] = inside ? moved : given[i];
            slope[i] = inside ? (inverse ? -l : l) : T(0);
        }
        for (std::int64_t i = 0; i < count; ++i) {
            to[n + i] = answer[i];
            log_slope[n + i] = slope[i];
        }
    }
}

template <bool inverse, bool circular, class T>
PF_INLINE void map_backward(const SplineRow& row, const T* x, const T* parameters, const T* dto,
                            const T* dlog_slope, T* dfrom, T* dparameters) {
    const T bound = static_cast<T>(row.bound), span = 2 * bound;
    const auto bins = static_cast<int>(row.bins);
    const std::int64_t each = 3 * row.bins - (circular ? 0 : 1);
    const T rest = static_cast<T>(1 - least * static_cast<double>(bins));
    Block<T> b;
    for (std::int64_t n = 0; n < row.n; n += lanes) {
        const std::int64_t count = std::min<std::int64_t>(lanes, row.n - n);
        Lane<T> given, point, gy, gl, gfrom, glow[2], gsize[2], gleft, gright;
        for (int i = 0; i < lanes; ++i) {
            given[i] = i < count ? x[n + i] : T(0);
            point[i] = asked<circular>(given[i], bound);
            gy[i] = i < count ? dto[n + i] : T(0);
            gl[i] = i < count ? dlog_slope[n + i] : T(0);
        }
        open<circular>(row, 0, point, parameters + n * each, count, b);
        for (int i = 0; i < lanes; ++i) {
            const bool inside = is_inside<circular>(given[i], bound);
            const Soft<T> left = softplus(b.left[i] + T(shift)),
                          right = softplus(b.right[i] + T(shift));
            const T d0 = T(least) + left.value, d1 = T(least) + right.value;
            const T w = b.width[i], h = b.height[i], s = h / w, bend = d0 + d1 - 2 * s;
            const T xi = (point[i] - b.low_x[i]) / w, back = 1 - xi, both = xi * back;
            const T turn = 1 - 2 * xi;  // d both / d xi
            const T below = s + bend * both, above = s * xi * xi + d0 * both;
            const T steep = d1 * xi * xi + 2 * s * both + d0 * back * back;
            const T over = T(1) / below, lift = h * over * over, per_steep = T(1) / steep;
            // of y = low_y + h above / below and of l = 2 log s + log steep - 2 log below
            const T y_xi = lift * ((2 * s * xi + d0 * turn) * below - above * bend * turn);
            const T y_s = lift * (xi * xi * below - above * (1 - 2 * both));
            const T y_d0 = lift * both * (below - above), y_d1 = -lift * above * both;
            const T l_xi =
                (2 * d1 * xi + 2 * s * turn - 2 * d0 * back) * per_steep - 2 * bend * turn * over;
            const T l_s = 2 / s + 2 * both * per_steep - 2 * (1 - 2 * both) * over;
            const T l_d0 = back * back * per_steep - 2 * both * over;
            const T l_d1 = xi * xi * per_steep - 2 * both * over;
            T of_y = gy[i], of_l = gl[i];
            if constexpr (inverse) {  // dx = (dy - y_p dp) / y_x, and the slope's logarithm is -l
                                      // there
                const T total = (of_y - of_l * l_xi / w) * w / y_xi;
                gfrom[i] = inside ? total : gy[i];
                of_y = -total;
                of_l = -of_l;
            }
            const T g_xi = of_y * y_xi + of_l * l_xi, g_s = of_y * y_s + of_l * l_s;
            if constexpr (!inverse) gfrom[i] = inside ? g_xi / w : gy[i];
            const T on = inside ? T(1) : T(0);
            glow[0][i] = on * -g_xi / w;
            glow[1][i] = on * of_y;
            gsize[0][i] = on * -(g_xi * xi + g_s * s) / w;
            gsize[1][i] = on * (of_y * above * over + g_s / w);
            gleft[i] = on * (of_y * y_d0 + of_l * l_d0) * left.slope;
            gright[i] = on * (of_y * y_d1 + of_l * l_d1) * right.slope;
        }
        T* out = dparameters + n * each;
        for (std::int64_t i = 0; i < count; ++i) dfrom[n + i] = gfrom[i];
        for (int half = 0; half < 2; ++half) {
            Lane<T> g, mean{};
            const auto of_bin = [&](int k) {
                for (int i = 0; i < lanes; ++i) {
                    const T left_of = T(k) < b.bin[i] ? T(1) : T(0);
                    const T here = T(k) == b.bin[i] ? T(1) : T(0);
                    g[i] = left_of * glow[half][i] + here * gsize[half][i];
                }
            };
            for (int k = 0; k < bins; ++k) {
                of_bin(k);
                for (int i = 0; i < lanes; ++i) mean[i] += b.share[half][k][i] * g[i];
            }
            for (int k = 0; k < bins; ++k) {
                of_bin(k);
                for (int i = 0; i < lanes; ++i)
                    g[i] = span * rest * b.share[half][k][i] * (g[i] - mean[i]);
                for (std::int64_t i = 0; i < count; ++i) out[i * each + half * bins + k] = g[i];
            }
        }
        for (int k = circular ? 0 : 1; k < bins; ++k) {  // knot k, between two bins
            const int ahead = k > 0 ? k - 1 : bins - 1, at = slope_at<circular>(bins, k);
            Lane<T> g;
            for (int i = 0; i < lanes; ++i) {
                const T after = b.bin[i] == T(k) ? T(1) : T(0);
                const T before = b.bin[i] == T(ahead) ? T(1) : T(0);
                g[i] = after * gleft[i] + before * gright[i];
            }
            for (std::int64_t i = 0; i < count; ++i) out[i * each + 2 * bins + at] = g[i];
        }
    }
}

/// Which of the four a row asks for.
template <class... Pointers>
PF_INLINE void map_as(const SplineRow& row, bool inverse, Pointers... p) {
    if (row.circular)
        inverse ? map<true, true>(row, p...) : map<false, true>(row, p...);
    else
        inverse ? map<true, false>(row, p...) : map<false, false>(row, p...);
}
template <class... Pointers>
PF_INLINE void map_backward_as(const SplineRow& row, bool inverse, Pointers... p) {
    if (row.circular)
        inverse ? map_backward<true, true>(row, p...) : map_backward<false, true>(row, p...);
    else
        inverse ? map_backward<true, false>(row, p...) : map_backward<false, false>(row, p...);
}

}  // namespace

PF_CLONES void spline_map(const SplineRow& row, bool inverse, const float* from,
                          const float* parameters, float* to, float* log_slope) {
    map_as(row, inverse, from, parameters, to, log_slope);
}
PF_CLONES void spline_map(const SplineRow& row, bool inverse, const double* from,
                          const double* parameters, double* to, double* log_slope) {
    map_as(row, inverse, from, parameters, to, log_slope);
}
PF_CLONES void spline_map_backward(const SplineRow& row, bool inverse, const float* x,
                                   const float* parameters, const float* dto,
                                   const float* dlog_slope, float* dfrom, float* dparameters) {
    map_backward_as(row, inverse, x, parameters, dto, dlog_slope, dfrom, dparameters);
}
PF_CLONES void spline_map_backward(const SplineRow& row, bool inverse, const double* x,
                                   const double* parameters, const double* dto,
                                   const double* dlog_slope, double* dfrom, double* dparameters) {
    map_backward_as(row, inverse, x, parameters, dto, dlog_slope, dfrom, dparameters);
}

}  // namespace pushforward
