#include "pushforward/kernels/affine.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/kernels/affine_cpu.hpp"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>

namespace pushforward {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Parameters as the kernel reads them, and how they lie in a row.
struct Laid {
    Tensor parameters;
    bool apart;
};
Laid laid(const Tensor& parameters) {
    if (!parameters.is_contiguous() && parameters.transpose(1, 2).is_contiguous())
        return {parameters, true};
    return {parameters.contiguous(), false};
}

/// f(null pointer of the element type, the rows of a part, the number of its first row).
template <class F>
void over_rows(const Tensor& x, bool apart, bool inverse, F f) {
    const std::int64_t d = x.size(1), grain = 1 + 32768 / std::max<std::int64_t>(d, 1);
    at::parallel_for(0, x.size(0), grain, [&](std::int64_t begin, std::int64_t end) {
        const AffineRows part{end - begin, d, apart, inverse};
        if (x.scalar_type() == at::kFloat)
            f(static_cast<float*>(nullptr), part, begin);
        else
            f(static_cast<double*>(nullptr), part, begin);
    });
}

std::pair<Tensor, Tensor> fused(const Tensor& x, const Laid& p, bool inverse) {
    const Tensor y = at::empty_like(x), log_det = at::empty({x.size(0)}, x.options());
    over_rows(x, p.apart, inverse, [&](auto* type, const AffineRows& part, std::int64_t first) {
        using T = std::remove_pointer_t<decltype(type)>;
        affine_map(part, x.data_ptr<T>() + first * part.d,
                   p.parameters.data_ptr<T>() + 2 * first * part.d,
                   y.data_ptr<T>() + first * part.d, log_det.data_ptr<T>() + first);
    });
    return {y, log_det};
}

class FusedAffine : public torch::autograd::Function<FusedAffine> {
public:
    static variable_list forward(AutogradContext* context, const Tensor& x,
                                 const Tensor& parameters, bool inverse) {
        const auto [y, log_det] = fused(x, laid(parameters), inverse);
        context->save_for_backward({x, parameters});
        context->saved_data["inverse"] = inverse;
        return {y, log_det};
    }

    static variable_list backward(AutogradContext* context, variable_list gradients) {
        const variable_list saved = context->get_saved_variables();
        const Tensor &x = saved[0], &parameters = saved[1];
        const bool inverse = context->saved_data["inverse"].toBool();
        variable_list result(3);
        if (!gradients[0].defined()) gradients[0] = at::zeros_like(x);
        if (!gradients[1].defined()) gradients[1] = at::zeros({x.size(0)}, x.options());
        if (at::GradMode::is_enabled()) {  // the gradient will itself be differentiated
            const auto [y, l] = affine_plain(x, parameters, inverse);
            const auto g = torch::autograd::grad({y, l}, {x, parameters}, gradients, true, true);
            result[0] = g[0];
            result[1] = g[1];
            return result;
        }
        const Tensor dy = gradients[0].contiguous(), dl = gradients[1].contiguous();
        const Laid p = laid(parameters);
        const Tensor dx = at::empty_like(x);
        const Tensor dp = at::empty_like(p.parameters);  // lies as the parameters do
        over_rows(x, p.apart, inverse, [&](auto* type, const AffineRows& part, std::int64_t first) {
            using T = std::remove_pointer_t<decltype(type)>;
            const std::int64_t at = first * part.d;
            affine_map_backward(part, x.data_ptr<T>() + at, p.parameters.data_ptr<T>() + 2 * at,
                                dy.data_ptr<T>() + at, dl.data_ptr<T>() + first,
                                dx.data_ptr<T>() + at, dp.data_ptr<T>() + 2 * at);
        });
        result[0] = dx;
        result[1] = dp;
        return result;
    }
};

}  // namespace

std::pair<Tensor, Tensor> affine_plain(const Tensor& x, const Tensor& parameters, bool inverse) {
    const Tensor m = parameters.select(2, 0), r = parameters.select(2, 1);
    const Tensor s = r / (1 + r.abs() / std::log(1000.0));
    if (inverse) return {(-s).exp() * (x - m), -s.sum(1)};
    return {s.exp() * x + m, s.sum(1)};
}

std::pair<Tensor, Tensor> affine(const Tensor& x, const Tensor& parameters, bool inverse) {
    PF_CHECK(parameters.dim() == 3 && parameters.size(2) == 2 &&
                 parameters.select(2, 0).sizes() == x.sizes(),
             "affine", "parameters [N, d, 2]", parameters.sizes());
    const auto type = x.scalar_type();
    const bool kernel = x.is_cpu() && type == parameters.scalar_type() &&
                        (type == at::kFloat || type == at::kDouble);
    if (!kernel) return affine_plain(x, parameters, inverse);
    const Tensor from = x.contiguous();
    if (at::GradMode::is_enabled() && (from.requires_grad() || parameters.requires_grad())) {
        const auto both = FusedAffine::apply(from, parameters, inverse);
        return {both[0], both[1]};
    }
    return fused(from, laid(parameters), inverse);
}

}  // namespace pushforward
