#include "pushforward/kernels/linear.hpp"

#include "pushforward/kernels/product_cpu.hpp"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <optional>
#include <vector>

namespace pushforward {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

bool ours(const Tensor& x, const Tensor& weight) {
    return x.dim() >= 2 && x.is_cpu() && x.scalar_type() == at::kFloat &&
           weight.scalar_type() == at::kFloat && multiplies();
}

MatrixView view(const Tensor& matrix) {
    return {matrix.const_data_ptr<float>(), matrix.stride(0), matrix.stride(1)};
}

/// a b + bias with contiguous b.
Tensor product(const Tensor& a, const Tensor& b, const MatrixView& bias) {
    constexpr std::int64_t strip = 8, share = 1 << 19;  // rows of a tile, a thread's least work
    const std::int64_t m = a.size(0), k = a.size(1), n = b.size(1);
    const Tensor c = at::empty({m, n}, a.options());
    const MatrixProduct all{m, k, n, view(a), b.const_data_ptr<float>(), bias, c.data_ptr<float>()};
    at::parallel_for(0, (m + strip - 1) / strip,
                     1 + share / std::max<std::int64_t>(strip * n * k, 1),
                     [&](std::int64_t begin, std::int64_t end) {
                         multiply(all, strip * begin, std::min(strip * end, m));
                     });
    return c;
}

/// Without a record for gradients. The same sums whichever factor is laid out anew: the smaller.
Tensor multiplied(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias) {
    const Tensor a = x.dim() == 2 ? x : x.flatten(0, -2);
    const float* shift = bias ? bias->const_data_ptr<float>() : nullptr;
    const std::int64_t step = bias ? bias->stride(0) : 0;
    constexpr std::int64_t few = 16;
    const Tensor c = a.size(0) > few
                         ? product(a, weight.t().contiguous(), {shift, 0, step})
                         : product(weight, a.t().contiguous(), {shift, step, 0}).t().contiguous();
    if (x.dim() == 2) return c;
    std::vector<std::int64_t> shape = x.sizes().vec();
    shape.back() = c.size(1);
    return c.view(shape);
}

class LinearLayer : public torch::autograd::Function<LinearLayer> {
public:
    static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight,
                          const std::optional<Tensor>& bias) {
        context->save_for_backward({x, weight});
        context->saved_data["bias"] = bias.has_value();  // else there is no third input to ask of
        return multiplied(x, weight, bias);
    }

    static variable_list backward(AutogradContext* context, variable_list gradients) {
        const variable_list saved = context->get_saved_variables();
        const Tensor &x = saved[0], &weight = saved[1], &dy = gradients[0];
        const Tensor rows = dy.flatten(0, -2);
        variable_list result(3);
        if (context->needs_input_grad(0)) result[0] = linear_layer(dy, weight.t(), {});
        if (context->needs_input_grad(1))
            result[1] = linear_layer(rows.t(), x.flatten(0, -2).t(), {});
        if (context->saved_data["bias"].toBool() && context->needs_input_grad(2))
            result[2] = rows.sum(0);
        return result;
    }
};

}  // namespace

Tensor linear_layer(const Tensor& x, const Tensor& weight, const Tensor& bias) {
    const auto shift = bias.defined() ? std::optional(bias) : std::nullopt;
    if (!ours(x, weight)) return at::linear(x, weight, shift);
    if (at::GradMode::is_enabled() &&
        (x.requires_grad() || weight.requires_grad() || (shift && bias.requires_grad())))
        return LinearLayer::apply(x, weight, shift);
    return multiplied(x, weight, shift);
}

}  // namespace pushforward
