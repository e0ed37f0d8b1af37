#pragma once

#include <cstdint>

namespace pushforward {

/// The numbers of one update of Adam or AdamW; `shrink` is 1 - lr decay (AdamW), `decay` is added
/// to the gradient (Adam), `gradient_scale` multiplies it (clipping).
struct AdamNumbers {
    double learning_rate, beta1, beta2, epsilon, decay, shrink, gradient_scale;
    double correction1, correction2;  ///< 1 - beta^k
};

/// One pass over n elements in memory order, in T:
///   g' = scale g + decay p,  m <- b1 m + (1 - b1) g',  v <- b2 v + (1 - b2) g'²,
///   p <- shrink p - (lr / c1) m / (sqrt(v) / sqrt(c2) + eps).
void adam_update(const AdamNumbers& a, std::int64_t n, float* p, const float* g, float* m,
                 float* v);
void adam_update(const AdamNumbers& a, std::int64_t n, double* p, const double* g, double* m,
                 double* v);

/// The sum of squares in double, in an order that depends on n alone.
double sum_of_squares(std::int64_t n, const float* x);
double sum_of_squares(std::int64_t n, const double* x);

}  // namespace pushforward
