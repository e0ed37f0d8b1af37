#include "pushforward/nn/logistic_levels.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/log_sigmoid.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/logsumexp.h>

#include <algorithm>
#include <cmath>

namespace pushforward {
namespace {

constexpr double least_log_scale = -7;

/// log sigmoid(z)
double log_sigmoid(double z) {
    return std::min(z, 0.) - std::log1p(std::exp(-std::abs(z)));
}

}  // namespace

// With F the logistic's distribution function at the bounds a < b of a level,
// F(b) - F(a) = F(b) (1 - F(a)) (1 - e^(-w)), w = (b - a) / scale, without cancellation; the first
// and last levels reach to infinity, where F(a) = 0 or F(b) = 1 and the last factor is missing.

Tensor logistic_levels(const Tensor& parameters, std::int64_t levels) {
    const auto type = parameters.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
    const auto parts = parameters.to(type).unsqueeze(-2).chunk(3, -1);
    const Tensor weights = at::log_softmax(parts[0].squeeze(-2), -1).unsqueeze(-1);
    const Tensor mean = parts[1].transpose(-1, -2);
    const Tensor rate = parts[2].transpose(-1, -2).clamp_min(least_log_scale).neg().exp();
    const double step = 2 / static_cast<double>(levels - 1);
    const Tensor bounds = (at::arange(levels - 1, mean.options()) + 0.5) * step - 1;
    const Tensor z = (bounds - mean) * rate;
    Tensor mass = at::constant_pad_nd(at::log_sigmoid(z), {0, 1}) +
                  at::constant_pad_nd(at::log_sigmoid(-z), {1, 0});
    if (levels > 2) {
        const Tensor inner = (-(-rate * step).expm1()).log();
        std::vector<std::int64_t> shape = z.sizes().vec();
        shape.back() = levels - 2;
        mass = mass + at::constant_pad_nd(inner.expand(shape), {1, 1});
    }
    return at::logsumexp(weights + mass, -2).to(parameters.scalar_type());
}

void logistic_levels_step(const float* parameters, std::int64_t m, std::int64_t levels, float* y,
                          std::vector<double>& work) {
    const double step = 2 / static_cast<double>(levels - 1);
    double most = parameters[0];
    for (std::int64_t j = 1; j < m; ++j) most = std::max<double>(most, parameters[j]);
    double total = 0;
    for (std::int64_t j = 0; j < m; ++j) total += std::exp(parameters[j] - most);
    work.resize(m * levels);
    for (std::int64_t j = 0; j < m; ++j) {
        const double weight = parameters[j] - most - std::log(total), mean = parameters[m + j];
        const double rate = std::exp(-std::max<double>(parameters[2 * m + j], least_log_scale));
        const double inner = std::log(-std::expm1(-rate * step));
        double above = 0;  // log(1 - F) at the level's lower bound
        for (std::int64_t k = 0; k < levels; ++k) {
            const bool first = k == 0, last = k + 1 == levels;
            const double z = ((static_cast<double>(k) + 0.5) * step - 1 - mean) * rate;
            const double below = last ? 0 : log_sigmoid(z);
            work[j * levels + k] = weight + below + above + (first || last ? 0 : inner);
            above = below - z;
        }
    }
    for (std::int64_t k = 0; k < levels; ++k) {
        double peak = work[k], sum = 0;
        for (std::int64_t j = 1; j < m; ++j) peak = std::max(peak, work[j * levels + k]);
        for (std::int64_t j = 0; j < m; ++j) sum += std::exp(work[j * levels + k] - peak);
        y[k] = static_cast<float>(peak + std::log(sum));
    }
}

}  // namespace pushforward
