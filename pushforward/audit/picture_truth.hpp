#pragma once

#include "pushforward/audit/denoising_truth.hpp"
#include "pushforward/simulators/pixels.hpp"
#include "pushforward/training/run.hpp"

namespace pushforward {

/// The SPEC of n pictures of `sim:pixels`.
std::string pixels_data(const PixelOptions& law, std::int64_t n, std::uint64_t seed);

/// The law's own log-density, or log mass, less the run's: the mean over n fresh pictures in bits a
/// number. It estimates KL(law || model) / (D log 2), so it lies above zero.
Mean bits_short_of(const PixelOptions& law, const OpenedRun& run, std::int64_t n,
                   std::uint64_t seed);

/// The worst |log p - log N(f(x); 0, I) - log |det df/dx|| of a flow from one normal over `rows`
/// pictures of the law, float64: its log-determinant beside that of autograd's Jacobian.
double worst_log_det(const PixelOptions& law, const OpenedRun& run, std::int64_t rows,
                     std::uint64_t seed);

}  // namespace pushforward
