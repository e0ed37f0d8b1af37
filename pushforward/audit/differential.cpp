#include "pushforward/audit/differential.hpp"

#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include <cmath>
#include <numbers>

namespace pushforward {
namespace {

Tensor log_prob(const Density& density, const Tensor& x) {
    return density.log_prob(x, {}, density.estimators().front().name, Rng(0));
}

}  // namespace

Tensor score_of(const Density& density, const Tensor& x, std::int64_t chunk) {
    std::vector<Tensor> parts;
    for (std::int64_t i = 0; i < x.size(0); i += chunk) {
        const Tensor at = x.slice(0, i, i + chunk).detach().clone().requires_grad_(true);
        parts.push_back(torch::autograd::grad({log_prob(density, at).sum()}, {at})[0]);
    }
    return torch::cat(parts);
}

Tensor log_density_of(const Density& density, const Tensor& x, std::int64_t chunk) {
    const torch::NoGradGuard no_grad;
    std::vector<Tensor> parts;
    for (std::int64_t i = 0; i < x.size(0); i += chunk)
        parts.push_back(log_prob(density, x.slice(0, i, i + chunk)));
    return torch::cat(parts);
}

Tensor standard_normal_log_density(const Tensor& z) {
    return -0.5 * (z.square() + std::log(2 * std::numbers::pi)).sum(1);
}

}  // namespace pushforward
