#pragma once

#include "pushforward/core/metric.hpp"

#include <memory>

namespace pushforward {

/// |m1 - m2|^2 + tr(S1 + S2 - 2 (S1^1/2 S2 S1^1/2)^1/2): the squared Wasserstein-2 distance of
/// N(m1, S1) and N(m2, S2) (Dowson & Landau 1982), by symmetric eigenvalues in float64.
/// m [F], S [F, F].
double frechet_distance(const Tensor& mean1, const Tensor& covariance1, const Tensor& mean2,
                        const Tensor& covariance2);

/// That of the normal laws fitted to a [N, F] and b [M, F] (Heusel et al. 2017), in squared units.
/// Two samples of one law do not give 0 but (F (F + 1) / 4 + F) (1/N + 1/M) times its variance:
/// compare at equal n only. The standard error is the bootstrap's over the items; near 0 it is up
/// to twice the spread.
Measurement frechet(const Tensor& a, const Tensor& b, Rng rng, std::int64_t resamples = 20);

std::unique_ptr<Metric> make_frechet();

}  // namespace pushforward
