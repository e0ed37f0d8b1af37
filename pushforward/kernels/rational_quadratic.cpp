#include "pushforward/kernels/rational_quadratic.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/kernels/rational_quadratic_cpu.hpp"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/log.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/searchsorted.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/softplus.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace pushforward {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

std::int64_t bins_of(const Tensor& parameters) {
    return (parameters.size(2) + 1) / 3;
}

bool is_circular(const Tensor& parameters) {
    return parameters.size(2) % 3 == 0;
}

/// f(null pointer of the element type, first, count) over parts of x's numbers.
template <class F>
void over_parts(const Tensor& x, F f) {
    at::parallel_for(0, x.numel(), 2048, [&](std::int64_t begin, std::int64_t end) {
        if (x.scalar_type() == at::kFloat)
            f(static_cast<float*>(nullptr), begin, end - begin);
        else
            f(static_cast<double*>(nullptr), begin, end - begin);
    });
}

std::pair<Tensor, Tensor> fused(const Tensor& from, const Tensor& parameters, double bound,
                                bool inverse) {
    const Tensor to = at::empty_like(from), log_slope = at::empty_like(from);
    const std::int64_t bins = bins_of(parameters), each = parameters.size(2);
    const bool circular = is_circular(parameters);
    over_parts(from, [&](auto* type, std::int64_t first, std::int64_t count) {
        using T = std::remove_pointer_t<decltype(type)>;
        spline_map({count, bins, bound, circular}, inverse, from.data_ptr<T>() + first,
                   parameters.data_ptr<T>() + first * each, to.data_ptr<T>() + first,
                   log_slope.data_ptr<T>() + first);
    });
    return {to, log_slope};
}

class RationalQuadratic : public torch::autograd::Function<RationalQuadratic> {
public:
    static variable_list forward(AutogradContext* context, const Tensor& from,
                                 const Tensor& parameters, double bound, bool inverse) {
        const auto [to, log_slope] = fused(from, parameters, bound, inverse);
        context->save_for_backward({from, parameters, to});
        context->saved_data["bound"] = bound;
        context->saved_data["inverse"] = inverse;
        return {to, log_slope};
    }

    static variable_list backward(AutogradContext* context, variable_list gradients) {
        const variable_list saved = context->get_saved_variables();
        const Tensor &from = saved[0], &parameters = saved[1], &to = saved[2];
        const double bound = context->saved_data["bound"].toDouble();
        const bool inverse = context->saved_data["inverse"].toBool();
        variable_list result(4);
        for (Tensor& g : gradients)
            if (!g.defined()) g = at::zeros_like(from);
        if (at::GradMode::is_enabled()) {  // the gradient will itself be differentiated
            const auto [y, l] = rational_quadratic_plain(from, parameters, bound, inverse);
            const auto g = torch::autograd::grad({y, l}, {from, parameters}, gradients, true, true);
            result[0] = g[0];
            result[1] = g[1];
            return result;
        }
        const Tensor dto = gradients[0].contiguous(), dl = gradients[1].contiguous();
        const Tensor& x = inverse ? to : from;
        const Tensor dfrom = at::empty_like(from), dparameters = at::empty_like(parameters);
        const std::int64_t bins = bins_of(parameters), each = parameters.size(2);
        const bool circular = is_circular(parameters);
        over_parts(from, [&](auto* type, std::int64_t first, std::int64_t count) {
            using T = std::remove_pointer_t<decltype(type)>;
            spline_map_backward({count, bins, bound, circular}, inverse, x.data_ptr<T>() + first,
                                parameters.data_ptr<T>() + first * each, dto.data_ptr<T>() + first,
                                dl.data_ptr<T>() + first, dfrom.data_ptr<T>() + first,
                                dparameters.data_ptr<T>() + first * each);
        });
        result[0] = dfrom;
        result[1] = dparameters;
        return result;
    }
};

}  // namespace

std::pair<Tensor, Tensor> rational_quadratic_plain(const Tensor& x, const Tensor& parameters,
                                                   double bound, bool inverse) {
    constexpr double least = 1e-3;
    const std::int64_t bins = bins_of(parameters);
    const auto sizes = [&](std::int64_t first) {
        const Tensor share = at::softmax(parameters.slice(2, first, first + bins), 2);
        return 2 * bound * (least + (1 - least * static_cast<double>(bins)) * share);
    };
    const Tensor widths = sizes(0), heights = sizes(bins);
    const auto knots = [&](const Tensor& steps) {
        return at::constant_pad_nd(steps.slice(2, 0, -1).cumsum(2), {1, 0}, 0) - bound;
    };
    const Tensor x_knots = knots(widths), y_knots = knots(heights);
    const bool circular = is_circular(parameters);
    const Tensor raw = parameters.slice(2, 2 * bins);
    const Tensor slopes = least + at::softplus((circular ? at::cat({raw, raw.slice(2, 0, 1)}, 2)
                                                         : at::constant_pad_nd(raw, {1, 1}, 0)) +
                                               std::log(std::expm1(1 - least)));
    const Tensor inside =
        circular ? at::ones_like(x, at::kBool) : (x > -bound).logical_and(x < bound);
    const Tensor point =
        (circular ? x.clamp(-bound, bound) : at::where(inside, x, at::zeros_like(x))).unsqueeze(2);
    const Tensor axis = (inverse ? y_knots : x_knots).detach().contiguous();
    const Tensor k =
        (at::searchsorted(axis, point.detach().contiguous(), false, true) - 1).clamp(0, bins - 1);
    const auto at_bin = [&](const Tensor& all) { return all.gather(2, k); };
    const Tensor w = at_bin(widths), h = at_bin(heights), s = h / w;
    const Tensor x0 = at_bin(x_knots), y0 = at_bin(y_knots);
    const Tensor d0 = slopes.gather(2, k), d1 = slopes.gather(2, k + 1), bend = d0 + d1 - 2 * s;
    Tensor xi;
    if (inverse) {
        const Tensor rise = point - y0;
        const Tensor a = h * (s - d0) + rise * bend, c1 = h * d0 - rise * bend, c0 = -s * rise;
        xi = 2 * c0 / (-c1 - (c1.square() - 4 * a * c0).clamp_min(0).sqrt());
    } else {
        xi = (point - x0) / w;
    }
    const Tensor both = xi * (1 - xi), below = s + bend * both;
    const Tensor steep = d1 * xi.square() + 2 * s * both + d0 * (1 - xi).square();
    const Tensor l = 2 * at::log(s) + at::log(steep) - 2 * at::log(below);
    const Tensor moved = inverse ? x0 + xi * w : y0 + h * (s * xi.square() + d0 * both) / below;
    return {at::where(inside, moved.squeeze(2), x),
            at::where(inside, (inverse ? -l : l).squeeze(2), at::zeros_like(x))};
}

std::pair<Tensor, Tensor> rational_quadratic(const Tensor& x, const Tensor& parameters,
                                             double bound, bool inverse) {
    PF_CHECK(parameters.dim() == 3 && parameters.size(2) % 3 != 1 &&
                 parameters.slice(2, 0, 1).squeeze(2).sizes() == x.sizes(),
             "rational_quadratic", "parameters [N, d, 3 K - 1] or [N, d, 3 K]", parameters.sizes());
    const auto type = x.scalar_type();
    const bool kernel = x.is_cpu() && bins_of(parameters) <= kMostBins &&
                        type == parameters.scalar_type() &&
                        (type == at::kFloat || type == at::kDouble);
    if (!kernel) return rational_quadratic_plain(x, parameters, bound, inverse);
    const Tensor from = x.contiguous(), p = parameters.contiguous();
    if (at::GradMode::is_enabled() && (from.requires_grad() || p.requires_grad())) {
        const auto both = RationalQuadratic::apply(from, p, bound, inverse);
        return {both[0], both[1]};
    }
    return fused(from, p, bound, inverse);
}

}  // namespace pushforward
