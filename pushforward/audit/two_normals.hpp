#pragma once

#include "pushforward/audit/denoising_truth.hpp"
#include "pushforward/audit/mixture_truth.hpp"
#include "pushforward/training/run.hpp"

namespace pushforward {

// The law of `TwoNormals::data` in D dimensions: w N(-m 1, s^2 I) + (1 - w) N(m 1, s^2 I), float64.

/// log p of each row, [N, D] -> [N].
Tensor log_density(const TwoNormals& truth, const Tensor& x);
/// d log p / dx = (m (2 r - 1) 1 - x) / s^2, r = P(right | x), [N, D].
Tensor score(const TwoNormals& truth, const Tensor& x);
/// Nats: a mixture along the diagonal, normals across it.
double entropy(const TwoNormals& truth, std::int64_t dimension);
/// KL(law || the normal with its mean and covariance), nats.
double kl_from_best_normal(const TwoNormals& truth, std::int64_t dimension);

/// The mean over n fresh rows of the law's log-density less the run's, which estimates
/// KL(law || model).
Mean short_of(const TwoNormals& truth, const OpenedRun& run, std::int64_t dimension, std::int64_t n,
              std::uint64_t seed);

}  // namespace pushforward
