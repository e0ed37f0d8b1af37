#include "pushforward/samplers/langevin.hpp"

#include "pushforward/core/rowwise.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/where.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

namespace pushforward {
namespace {

/// log p and its gradient.
struct Point {
    Tensor x, log_p, slope;
};
Point at_point(const LogDensity& log_p, const Tensor& x) {
    const at::AutoGradMode with_grad(true);
    const Tensor place = x.detach().requires_grad_(true);
    const Tensor value = log_p(place);
    const Tensor slope = torch::autograd::grad({value.sum()}, {place})[0];
    return {place.detach(), value.detach(), slope};
}

/// log q(to | from) up to a constant for to ~ N(from + step slope, 2 step).
Tensor log_proposal(const Point& from, const Tensor& to, double step) {
    return -(to - from.x - step * from.slope).square().flatten(1).sum(1) / (4 * step);
}

}  // namespace

Tensor langevin(const Score& score, Tensor x, double step, std::int64_t n, Rng& rng) {
    for (std::int64_t k = 0; k < n; ++k)
        x = x + step * score(x) + std::sqrt(2 * step) * normal_like(x, rng);
    return x;
}

Adjusted adjusted_langevin(const LogDensity& log_p, const Tensor& x, double step, std::int64_t n,
                           Rng& rng) {
    const at::NoGradGuard no_grad;
    Point now = at_point(log_p, x);
    double accepted = 0;
    for (std::int64_t k = 0; k < n; ++k) {
        const Tensor noise = normal_like(x, rng);
        const Point next = at_point(log_p, now.x + step * now.slope + std::sqrt(2 * step) * noise);
        const Tensor log_ratio = next.log_p - now.log_p + log_proposal(next, now.x, step) -
                                 log_proposal(now, next.x, step);
        const Tensor u = rng.uniform({x.size(0)}, at::kDouble, x.device());
        const Tensor taken = u.log() < log_ratio.to(at::kDouble);
        const Tensor rows = rowwise(taken, x).to(at::kBool);
        now = {at::where(rows, next.x, now.x), at::where(taken, next.log_p, now.log_p),
               at::where(rows, next.slope, now.slope)};
        accepted += taken.to(at::kDouble).mean().item<double>();
    }
    return {now.x, n > 0 ? accepted / static_cast<double>(n) : 1};
}

}  // namespace pushforward
