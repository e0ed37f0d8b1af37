#pragma once

#include "pushforward/core/metric.hpp"

#include <memory>

namespace pushforward {

/// A set's manifold is the union of balls around its points, each out to its k-th nearest
/// neighbour in the set. precision: share of the samples in the data's manifold; recall: share of
/// the data in the samples' (Kynkaanniemi et al. 2019). density: balls of the data around a sample,
/// over k; coverage: share of the data's balls with a sample inside (Naeem et al. 2020).
enum class NeighbourFigure { precision, recall, density, coverage };

/// samples [N, F], data [M, F], at least 50 points each; distances are taken block by block. The
/// standard error comes from ten random parts of the two sets, each judged alone; n is N.
Measurement neighbour_figure(NeighbourFigure figure, const Tensor& samples, const Tensor& data,
                             Rng rng, std::int64_t k = 3);

std::unique_ptr<Metric> make_neighbours(NeighbourFigure figure);

}  // namespace pushforward
