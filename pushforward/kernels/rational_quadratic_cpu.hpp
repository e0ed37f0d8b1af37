#pragma once

#include <cstdint>

namespace pushforward {

/// n numbers, each with its own spline of `bins` bins on [-bound, bound]: 3 bins - 1 parameters a
/// number, or 3 bins of a circular one; see kernels/rational_quadratic.hpp.
struct SplineRow {
    std::int64_t n, bins;
    double bound;
    bool circular;
};
/// The most bins that the kernels have room for.
inline constexpr std::int64_t kMostBins = 64;

// The bits are the same for every instruction set and for any split of the numbers.

/// Writes y and log dy/dx; with `inverse`, x from y and log dx/dy.
void spline_map(const SplineRow& row, bool inverse, const float* from, const float* parameters,
                float* to, float* log_slope);
void spline_map(const SplineRow& row, bool inverse, const double* from, const double* parameters,
                double* to, double* log_slope);

/// Gradients in the map's argument and in the parameters, from those in its answer and in the
/// logarithm of its slope. `x` is the point on the spline's x axis: the argument of the forward
/// map, the answer of the inverse.
void spline_map_backward(const SplineRow& row, bool inverse, const float* x,
                         const float* parameters, const float* dto, const float* dlog_slope,
                         float* dfrom, float* dparameters);
void spline_map_backward(const SplineRow& row, bool inverse, const double* x,
                         const double* parameters, const double* dto, const double* dlog_slope,
                         double* dfrom, double* dparameters);

}  // namespace pushforward
