#pragma once

#include <cstdint>

namespace pushforward {

/// Rows of d numbers, each with m and r: side by side (m, r, m, r, ...), or with `apart` all m of a
/// row before all r of it.
struct AffineRows {
    std::int64_t rows, d;
    bool apart, inverse;
};

// The bits are the same for every instruction set and for any split of the rows.

/// Writes y [rows, d] and the sum of the logarithms of the slopes, [rows]; see kernels/affine.hpp.
void affine_map(const AffineRows& all, const float* x, const float* parameters, float* y,
                float* log_det);
void affine_map(const AffineRows& all, const double* x, const double* parameters, double* y,
                double* log_det);

/// Gradients in x and in the parameters from those in y and in the log-determinant.
void affine_map_backward(const AffineRows& all, const float* x, const float* parameters,
                         const float* dy, const float* dlog_det, float* dx, float* dparameters);
void affine_map_backward(const AffineRows& all, const double* x, const double* parameters,
                         const double* dy, const double* dlog_det, double* dx, double* dparameters);

}  // namespace pushforward
