#include "pushforward/kernels/adam.hpp"

#include <cmath>

namespace pushforward {
namespace {

template <class T>
void update(const AdamNumbers& a, std::int64_t n, T* __restrict p, const T* __restrict g,
            T* __restrict m, T* __restrict v) {
    const auto beta1 = static_cast<T>(a.beta1), rest1 = static_cast<T>(1 - a.beta1);
    const auto beta2 = static_cast<T>(a.beta2), rest2 = static_cast<T>(1 - a.beta2);
    const auto scale = static_cast<T>(a.gradient_scale), decay = static_cast<T>(a.decay);
    const auto shrink = static_cast<T>(a.shrink), epsilon = static_cast<T>(a.epsilon);
    const auto size = static_cast<T>(a.learning_rate / a.correction1);
    const auto root = static_cast<T>(std::sqrt(a.correction2));
    for (std::int64_t i = 0; i < n; ++i) {
        const T gradient = scale * g[i] + decay * p[i];
        m[i] = beta1 * m[i] + rest1 * gradient;
        v[i] = beta2 * v[i] + rest2 * (gradient * gradient);
        p[i] = shrink * p[i] - size * (m[i] / (std::sqrt(v[i]) / root + epsilon));
    }
}

template <class T>
double squares(std::int64_t n, const T* x) {
    // Eight sums in parallel, so that the vectoriser need not reorder anything.
    constexpr std::int64_t lanes = 8;
    double sums[lanes] = {};
    std::int64_t i = 0;
    for (; i + lanes <= n; i += lanes)
        for (std::int64_t j = 0; j < lanes; ++j)
            sums[j] += static_cast<double>(x[i + j]) * static_cast<double>(x[i + j]);
    for (; i < n; ++i) sums[0] += static_cast<double>(x[i]) * static_cast<double>(x[i]);
    double total = 0;
    for (double s : sums) total += s;
    return total;
}

}  // namespace

void adam_update(const AdamNumbers& a, std::int64_t n, float* p, const float* g, float* m,
                 float* v) {
    update(a, n, p, g, m, v);
}
void adam_update(const AdamNumbers& a, std::int64_t n, double* p, const double* g, double* m,
                 double* v) {
    update(a, n, p, g, m, v);
}

double sum_of_squares(std::int64_t n, const float* x) {
    return squares(n, x);
}
double sum_of_squares(std::int64_t n, const double* x) {
    return squares(n, x);
}

}  // namespace pushforward
