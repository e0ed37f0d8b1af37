#include "pushforward/math/area.hpp"

#include "pushforward/base/errors.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/where.h>

#include <cmath>

namespace pushforward {
namespace {

void check_reference(std::int64_t k, std::int64_t d, Reference reference) {
    PF_CHECK(k <= d, "area formula", text("at most ", d, " latent numbers for images in R^", d),
             text(k, ": fibres are integrated over by coarea_log_density"));
    if (reference == Reference::lebesgue && k < d)
        throw UsageError(text("no log-density with respect to Lebesgue measure: ", k,
                              " latent numbers fill a set of measure zero in R^", d,
                              ", so that the law is singular; it has one with respect to the ", k,
                              "-dimensional Hausdorff measure"));
}

}  // namespace

Tensor area_log_density(const Map& map, const Tensor& z, const Tensor& log_p, Reference reference) {
    const Tensor jacobian = linearise(map, z.to(at::kDouble)).jacobian;
    check_reference(jacobian.size(2), jacobian.size(1), reference);
    // J = Q R: det(J^T J) = det(R)^2, without squaring the condition number
    const Tensor r = std::get<1>(at::linalg_qr(jacobian, "r"));
    return log_p.to(at::kDouble) - r.diagonal(0, 1, 2).abs().log().sum(1);
}

Tensor pushforward_log_density(const Map& map, const LogDensity& log_p, const Tensor& x,
                               const Tensor& starts, Reference reference,
                               const PreimageOptions& options) {
    check_reference(starts.size(-1), x.size(-1), reference);
    const at::NoGradGuard no_grad;
    const Preimages all = preimages(map, x, starts, options);
    const Tensor each = area_log_density(map, all.z, log_p(all.z), reference);
    // log sum exp over the preimages of each row
    const Tensor none = at::full({x.size(0)}, -INFINITY, each.options());
    const Tensor most = none.scatter_reduce(0, all.row, each, "amax");
    const Tensor from = at::where(most.isfinite(), most, at::zeros_like(most));
    const Tensor sum =
        at::zeros_like(most).index_add(0, all.row, (each - from.index_select(0, all.row)).exp());
    return from + sum.log();
}

}  // namespace pushforward
