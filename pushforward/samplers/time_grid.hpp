#pragma once

#include "pushforward/core/model.hpp"

#include <string>
#include <vector>

namespace pushforward {

/// How the times at which the network is asked are spread over the path.
/// uniform: t_max (1 - i/n), which for n = T visits every discrete step;
/// leading: the discrete steps 1 + (n-1-i) floor(T/n), as DDIM's code has them (Song et al. 2020);
/// log_snr: n equal steps of log(alpha/sigma) between t_max and t_min (Lu et al. 2022);
/// rho: sigma^(1/rho) equally spaced (Karras et al. 2022, eq. 5).
enum class Grid { uniform, leading, log_snr, rho };

/// n evaluation times, falling from (or near) t_max, and a final 0: n + 1 numbers.
/// UsageError for n < 1, for `leading` without discrete steps, and for n above a discrete path's T.
std::vector<double> time_grid(const Path& path, Grid grid, std::int64_t n, double rho = 7);

/// The time at which log(alpha/sigma) is `log_snr`, by bisection in [t_min, t_max].
double time_at_log_snr(const Path& path, double log_snr);

/// Whether two paths have the same levels at the same times.
bool same_path(const Path& a, const Path& b);

/// alpha, sigma and their derivatives at one time, in float64.
struct LevelAt {
    double alpha, sigma, alpha_slope, sigma_slope;
};
LevelAt level_at(const Path& path, double t);

}  // namespace pushforward
