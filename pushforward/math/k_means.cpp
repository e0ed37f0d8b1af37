#include "pushforward/math/k_means.hpp"

#include "pushforward/base/errors.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cdist.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

namespace pushforward {

Clusters k_means(const Tensor& rows, std::int64_t k, Rng rng, std::int64_t iterations) {
    const std::int64_t n = rows.size(0);
    PF_CHECK(k >= 1 && n >= k, "k_means", text("at least ", k, " rows"), n);
    const at::NoGradGuard no_grad;
    const Tensor x = rows.to(at::kDouble);
    // each further seed is drawn with a probability that grows with its squared distance
    Tensor centre = x.slice(0, 0, 1);
    Tensor distance = (x - centre).square().sum(1);
    for (std::int64_t i = 1; i < k; ++i) {
        const Tensor mass = distance.cumsum(0);
        const double u = rng.uniform({1}, at::kDouble).item<double>() * mass[n - 1].item<double>();
        const auto at = (mass < u).sum().item<std::int64_t>();
        const Tensor seed = x.slice(0, std::min(at, n - 1), std::min(at, n - 1) + 1);
        centre = at::cat({centre, seed});
        distance = at::minimum(distance, (x - seed).square().sum(1));
    }
    Tensor member;
    for (std::int64_t i = 0; i < iterations; ++i) {
        const Tensor nearest = at::cdist(x, centre).argmin(1);
        if (member.defined() && nearest.equal(member)) break;
        member = nearest;
        const Tensor sum = at::zeros_like(centre).index_add(0, member, x);
        const Tensor count = member.bincount({}, k).to(at::kDouble).unsqueeze(1);
        centre = at::where(count > 0, sum / count.clamp_min(1), centre);  // an empty one stays
    }
    return {centre, member};
}

}  // namespace pushforward
