#include "pushforward/math/preimages.hpp"

#include "pushforward/base/errors.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/linalg_solve_triangular.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>

namespace pushforward {
namespace {

Tensor length(const Tensor& rows) {
    return at::linalg_vector_norm(rows, 2, {-1});
}

/// The least-squares solution of J step = r, of least norm where there are many; 0 where J has not
/// full rank.
Tensor gauss_newton_step(const Tensor& jacobian, const Tensor& r) {
    const bool wide = jacobian.size(1) < jacobian.size(2);
    const auto [q, upper] = at::linalg_qr(wide ? jacobian.mT() : jacobian, "reduced");
    const Tensor right = r.unsqueeze(2);
    const Tensor step =
        wide ? q.matmul(at::linalg_solve_triangular(upper.mT(), right, /*upper=*/false))
             : at::linalg_solve_triangular(upper, q.mT().matmul(right), /*upper=*/true);
    const Tensor flat = step.squeeze(2);
    return at::where(at::isfinite(flat).all(1, true), flat, at::zeros_like(flat));
}

}  // namespace

Preimages preimages(const Map& map, const Tensor& x, const Tensor& starts,
                    const PreimageOptions& options) {
    PF_CHECK(x.dim() == 2 && starts.dim() == 2 && starts.size(0) >= 1, "preimages",
             "x [N, d] and at least one start, [S, k]", text(x.sizes(), " and ", starts.sizes()));
    const at::NoGradGuard no_grad;
    const std::int64_t n = x.size(0), tries = starts.size(0), k = starts.size(1);
    const Tensor target = x.to(at::kDouble).repeat_interleave(tries, 0);
    const Tensor bound = options.tolerance * (1 + length(target));
    Tensor z = starts.to(at::kDouble).repeat({n, 1});
    Tensor error = at::full_like(bound, INFINITY);

    // every row takes its step or a quarter of it until a step within the bound gains nothing
    Tensor active = at::arange(z.size(0), z.options().dtype(at::kLong));
    Tensor now = z, step = at::zeros_like(z), factor = at::ones_like(bound);
    for (std::int64_t i = 0; i < options.iterations && active.size(0) > 0; ++i) {
        const Tensor trial = now + factor.unsqueeze(1) * step;
        const Linearised there = linearise(map, trial);
        PF_CHECK(there.value.size(1) == x.size(1), "preimages",
                 text("a map to ", x.size(1), " numbers"), there.value.size(1));
        const Tensor miss = target.index_select(0, active) - there.value;
        const Tensor before = error.index_select(0, active), size = length(miss);
        const Tensor better = size < before;  // never where it is NaN
        const Tensor took = better.unsqueeze(1);
        now = at::where(took, trial, now);
        z = z.index_copy(0, active, now);
        error = error.index_copy(0, active, at::where(better, size, before));
        step = at::where(took, gauss_newton_step(there.jacobian, miss), step);
        factor = at::where(better, (4 * factor).clamp_max(1), factor / 4);
        const Tensor within = error.index_select(0, active) <= bound.index_select(0, active);
        const Tensor done = within.logical_and(better.logical_not()).logical_or(factor < 1e-8);
        const Tensor left = done.logical_not().nonzero().flatten();
        active = active.index_select(0, left);
        now = now.index_select(0, left);
        step = step.index_select(0, left);
        factor = factor.index_select(0, left);
    }

    // the first of those that are one
    const Tensor found = (error <= bound).view({n, tries});
    const Tensor all = z.view({n, tries, k});
    const Tensor gap = length(all.unsqueeze(2) - all.unsqueeze(1));  // [N, S, S]
    const Tensor earlier = at::ones_like(gap).tril(-1) > 0;
    const Tensor same = (gap <= options.apart * (1 + length(all)).unsqueeze(2))
                            .logical_and(earlier)
                            .logical_and(found.unsqueeze(1))
                            .any(2);
    const Tensor kept = found.logical_and(same.logical_not()).flatten().nonzero().flatten();
    return {z.index_select(0, kept), kept.div(tries, "floor")};
}

}  // namespace pushforward
