#include "pushforward/kernels/affine_cpu.hpp"

#include "pushforward/base/vectorise.hpp"
#include "pushforward/kernels/exponential.hpp"

#include <cmath>

namespace pushforward {
namespace {

constexpr double most = 6.907755278982137;  // log 1000

PF_INLINE double exponential(double v) {
    return std::exp(v);
}
PF_INLINE float exponential(float v) {
    return exponential_within(v);
}

/// Where m and r of number i lie.
template <bool apart>
PF_INLINE std::int64_t m_at(std::int64_t i) {
    return apart ? i : 2 * i;
}
template <bool apart>
PF_INLINE std::int64_t r_at(std::int64_t i, std::int64_t d) {
    return apart ? d + i : 2 * i + 1;
}

template <class T, bool apart, bool inverse>
PF_INLINE T one(std::int64_t i, std::int64_t d, const T* x, const T* p, T* y) {
    const T m = p[m_at<apart>(i)], r = p[r_at<apart>(i, d)];
    const T s = r / (T(1) + std::abs(r) * T(1 / most));
    y[i] = inverse ? exponential(-s) * (x[i] - m) : exponential(s) * x[i] + m;
    return s;
}

template <class T, bool apart, bool inverse>
PF_INLINE void map(const AffineRows& all, const T* x, const T* p, T* y, T* log_det) {
    constexpr std::int64_t lanes = 16;
    const std::int64_t d = all.d, whole = d / lanes * lanes;
    for (std::int64_t row = 0; row < all.rows; ++row, x += d, p += 2 * d, y += d) {
        T part[lanes] = {};
        for (std::int64_t i = 0; i < whole; i += lanes)
            for (std::int64_t l = 0; l < lanes; ++l)
                part[l] += one<T, apart, inverse>(i + l, d, x, p, y);
        T sum = 0;
        for (std::int64_t i = whole; i < d; ++i) sum += one<T, apart, inverse>(i, d, x, p, y);
        for (const T s : part) sum += s;
        log_det[row] = inverse ? -sum : sum;
    }
}

template <class T, bool apart, bool inverse>
PF_INLINE void backward(const AffineRows& all, const T* x, const T* p, const T* dy,
                        const T* dlog_det, T* dx, T* dp) {
    const std::int64_t d = all.d;
    for (std::int64_t row = 0; row < all.rows;
         ++row, x += d, p += 2 * d, dy += d, dx += d, dp += 2 * d) {
        const T dl = dlog_det[row];
        for (std::int64_t i = 0; i < d; ++i) {
            const T m = p[m_at<apart>(i)], r = p[r_at<apart>(i, d)];
            const T bend = T(1) / (T(1) + std::abs(r) * T(1 / most)), s = r * bend;
            const T e = exponential(inverse ? -s : s), g = e * dy[i];
            dx[i] = g;
            dp[m_at<apart>(i)] = inverse ? -g : dy[i];
            const T ds = inverse ? -(x[i] - m) * g - dl : x[i] * g + dl;
            dp[r_at<apart>(i, d)] = ds * bend * bend;
        }
    }
}

template <class T>
PF_INLINE void map(const AffineRows& all, const T* x, const T* p, T* y, T* log_det) {
    if (all.apart && all.inverse) return map<T, true, true>(all, x, p, y, log_det);
    if (all.apart) return map<T, true, false>(all, x, p, y, log_det);
    if (all.inverse) return map<T, false, true>(all, x, p, y, log_det);
    map<T, false, false>(all, x, p, y, log_det);
}

template <class T>
PF_INLINE void backward(const AffineRows& all, const T* x, const T* p, const T* dy,
                        const T* dlog_det, T* dx, T* dp) {
    if (all.apart && all.inverse) return backward<T, true, true>(all, x, p, dy, dlog_det, dx, dp);
    if (all.apart) return backward<T, true, false>(all, x, p, dy, dlog_det, dx, dp);
    if (all.inverse) return backward<T, false, true>(all, x, p, dy, dlog_det, dx, dp);
    backward<T, false, false>(all, x, p, dy, dlog_det, dx, dp);
}

}  // namespace

PF_CLONES void affine_map(const AffineRows& all, const float* x, const float* parameters, float* y,
                          float* log_det) {
    map(all, x, parameters, y, log_det);
}
PF_CLONES void affine_map(const AffineRows& all, const double* x, const double* parameters,
                          double* y, double* log_det) {
    map(all, x, parameters, y, log_det);
}
PF_CLONES void affine_map_backward(const AffineRows& all, const float* x, const float* parameters,
                                   const float* dy, const float* dlog_det, float* dx,
                                   float* dparameters) {
    backward(all, x, parameters, dy, dlog_det, dx, dparameters);
}
PF_CLONES void affine_map_backward(const AffineRows& all, const double* x, const double* parameters,
                                   const double* dy, const double* dlog_det, double* dx,
                                   double* dparameters) {
    backward(all, x, parameters, dy, dlog_det, dx, dparameters);
}

}  // namespace pushforward
