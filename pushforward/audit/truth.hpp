#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace pushforward {

// What claims expect, computed without the models' code, in float64.

/// A chain of Gaussian noise: x_k = sqrt(1 - beta_k) x_{k-1} + sqrt(beta_k) z for k = 1..T, and
/// abar_k = prod_{i <= k} (1 - beta_i); entry 0 is beta_0 = 0, abar_0 = 1. `linear`: beta from 1e-4
/// to 0.02, times 1000 / T (Ho et al. 2020); `cosine`: abar as cos^2, beta at most 0.999 (Nichol &
/// Dhariwal 2021).
struct NoiseChain {
    std::vector<double> beta, abar;
    std::int64_t steps() const { return static_cast<std::int64_t>(beta.size()) - 1; }
};
NoiseChain noise_chain(const std::string& schedule, std::int64_t steps);

/// P(sup |F_n - F| > `distance`) of n independent draws (Kolmogorov 1933; Stephens 1970).
double kolmogorov_p(double distance, std::int64_t n);
/// sup |F_n - F| of `values` against a distribution function; 1 when a value is not finite.
double ks_distance(std::vector<double> values, const std::function<double(double)>& cdf);
/// Phi.
double normal_cdf(double x);
/// P(chi^2 > `statistic`) with that many degrees of freedom.
double chi_square_p(double statistic, std::int64_t degrees);
/// Phi^-1.
double normal_quantile(double probability);

}  // namespace pushforward
