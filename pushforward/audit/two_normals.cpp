#include "pushforward/audit/two_normals.hpp"

#include "pushforward/training/scoring.hpp"

#include <torch/types.h>

#include <cmath>
#include <numbers>

namespace pushforward {

Tensor log_density(const TwoNormals& truth, const Tensor& x) {
    const double variance = truth.deviation * truth.deviation;
    const auto part = [&](double weight, double mean) {
        return std::log(weight) - 0.5 * (x - mean).square().sum(1) / variance;
    };
    return torch::logaddexp(part(truth.weight, -truth.mean), part(1 - truth.weight, truth.mean)) -
           0.5 * static_cast<double>(x.size(1)) * std::log(2 * std::numbers::pi * variance);
}

Tensor score(const TwoNormals& truth, const Tensor& x) {
    const double variance = truth.deviation * truth.deviation;
    const Tensor log_odds =
        std::log((1 - truth.weight) / truth.weight) + 2 * truth.mean / variance * x.sum(1, true);
    return (truth.mean * (2 * torch::sigmoid(log_odds) - 1) - x) / variance;
}

double entropy(const TwoNormals& truth, std::int64_t dimension) {
    const double d = static_cast<double>(dimension);
    const TwoNormals diagonal{truth.weight, truth.mean * std::sqrt(d), truth.deviation};
    return diagonal.law().entropy() +
           0.5 * (d - 1) *
               std::log(2 * std::numbers::pi * std::numbers::e * truth.deviation * truth.deviation);
}

double kl_from_best_normal(const TwoNormals& truth, std::int64_t dimension) {
    const double d = static_cast<double>(dimension);
    const NormalMixture diagonal =
        TwoNormals{truth.weight, truth.mean * std::sqrt(d), truth.deviation}.law();
    return std::log(diagonal.deviation()) + 0.5 * std::log(2 * std::numbers::pi * std::numbers::e) -
           diagonal.entropy();
}

Mean short_of(const TwoNormals& truth, const OpenedRun& run, std::int64_t dimension, std::int64_t n,
              std::uint64_t seed) {
    ScoreRequest request;
    request.data = truth.data(n, seed, dimension);
    request.seed = seed;
    request.batch = 10000;
    return mean_of(log_density(truth, all_of(request.data)) - score_run(run, request).log_prob);
}

}  // namespace pushforward
