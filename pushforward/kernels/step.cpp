#include "pushforward/kernels/step.hpp"

#include "pushforward/base/vectorise.hpp"
#include "pushforward/kernels/exponential.hpp"

#include <algorithm>
#include <cmath>

namespace pushforward {
namespace {

constexpr int kParts = 16;

/// The sum of term(0) .. term(n-1): term i goes to partial sum i mod 16, halves are added last.
template <class Term>
PF_INLINE float sum_of(std::int64_t n, Term term) {
    float part[kParts] = {};
    std::int64_t i = 0;
    for (; i + kParts <= n; i += kParts)
        for (int j = 0; j < kParts; ++j) part[j] += term(i + j);
    for (int j = 0; i < n; ++i, ++j) part[j] += term(i);
    for (int half = kParts / 2; half > 0; half /= 2)
        for (int j = 0; j < half; ++j) part[j] += part[j + half];
    return part[0];
}

/// e^v, v cut at +-60: before products with the result become denormal and slow.
PF_INLINE float exponential(float v) {
    return exponential_within(std::min(std::max(v, -60.0f), 60.0f));
}
PF_INLINE float sigmoid(float v) {
    return 1.0f / (1.0f + exponential(-v));
}
PF_INLINE float hyperbolic_tangent(float v) {
    return 1.0f - 2.0f / (1.0f + exponential(2.0f * v));
}

}  // namespace

PF_CLONES void layer_norm_step(const float* x, const float* gain, const float* shift,
                               std::int64_t n, float eps, float* y) {
    const auto count = static_cast<float>(n);
    const float mean = sum_of(n, [=](std::int64_t i) { return x[i]; }) / count;
    const float variance =
        sum_of(n, [=](std::int64_t i) { return (x[i] - mean) * (x[i] - mean); }) / count;
    const float scale = 1.0f / std::sqrt(variance + eps);
    if (shift) {
#pragma GCC ivdep
        for (std::int64_t i = 0; i < n; ++i) y[i] = (x[i] - mean) * scale * gain[i] + shift[i];
    } else {
#pragma GCC ivdep
        for (std::int64_t i = 0; i < n; ++i) y[i] = (x[i] - mean) * scale * gain[i];
    }
}

PF_CLONES void rms_norm_step(const float* x, const float* gain, std::int64_t n, float eps,
                             float* y) {
    const float square =
        sum_of(n, [=](std::int64_t i) { return x[i] * x[i]; }) / static_cast<float>(n);
    const float scale = 1.0f / std::sqrt(square + eps);
#pragma GCC ivdep
    for (std::int64_t i = 0; i < n; ++i) y[i] = x[i] * scale * gain[i];
}

PF_CLONES void gelu_step(float* x, std::int64_t n) {
    constexpr float twice = 1.59576912f;  // 2 sqrt(2 / pi): (1 + tanh u) / 2 = sigmoid(2 u)
    for (std::int64_t i = 0; i < n; ++i) {
        const float v = x[i];
        x[i] = v * sigmoid(twice * (v + 0.044715f * v * v * v));
    }
}

PF_CLONES void silu_step(float* x, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) x[i] *= sigmoid(x[i]);
}

PF_CLONES void gate_step(const float* a, const float* b, std::int64_t n, float* y) {
#pragma GCC ivdep
    for (std::int64_t i = 0; i < n; ++i) y[i] = hyperbolic_tangent(a[i]) * sigmoid(b[i]);
}

PF_CLONES void lstm_step(const float* gates, std::int64_t n, float* c, float* h) {
    const float *input = gates, *forget = gates + n, *cell = gates + 2 * n, *output = gates + 3 * n;
#pragma GCC ivdep
    for (std::int64_t i = 0; i < n; ++i) {
        c[i] = sigmoid(forget[i]) * c[i] + sigmoid(input[i]) * hyperbolic_tangent(cell[i]);
        h[i] = sigmoid(output[i]) * hyperbolic_tangent(c[i]);
    }
}

PF_CLONES void attention_step(const float* q, const float* k, const float* v, std::int64_t places,
                              std::int64_t row, std::int64_t d, float* work, float* y) {
    const float scale = 1.0f / std::sqrt(static_cast<float>(d));
    float most = 0;
    for (std::int64_t t = 0; t < places; ++t) {
        const float* key = k + t * row;
        work[t] = scale * sum_of(d, [=](std::int64_t i) { return q[i] * key[i]; });
        most = t == 0 ? work[0] : std::max(most, work[t]);
    }
    for (std::int64_t t = 0; t < places; ++t) work[t] = exponential(work[t] - most);
    const float sum = sum_of(places, [=](std::int64_t t) { return work[t]; });
    for (std::int64_t i = 0; i < d; ++i) y[i] = 0;
    std::int64_t t = 0;
    for (; t + 4 <= places; t += 4) {  // one after another, but y is read and written once for four
        const float *v0 = v + t * row, *v1 = v0 + row, *v2 = v1 + row, *v3 = v2 + row;
        const float w0 = work[t], w1 = work[t + 1], w2 = work[t + 2], w3 = work[t + 3];
#pragma GCC ivdep
        for (std::int64_t i = 0; i < d; ++i)
            y[i] = (((y[i] + w0 * v0[i]) + w1 * v1[i]) + w2 * v2[i]) + w3 * v3[i];
    }
    for (; t < places; ++t) {
        const float* value = v + t * row;
        const float weight = work[t];
#pragma GCC ivdep
        for (std::int64_t i = 0; i < d; ++i) y[i] += weight * value[i];
    }
    for (std::int64_t i = 0; i < d; ++i) y[i] /= sum;
}

}  // namespace pushforward
