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

/// c = a b + bias with contiguous b and c.
void multiply_all(const Tensor& a, const Tensor& b, const MatrixView& bias, const Tensor& c) {
    constexpr std::int64_t strip = product_strip, share = 1 << 19;  // a thread's least work
    const std::int64_t m = a.size(0), k = a.size(1), n = b.size(1);
    const MatrixProduct all{m, k, n, view(a), b.const_data_ptr<float>(), bias, c.data_ptr<float>()};
    at::parallel_for(0, (m + strip - 1) / strip,
                     1 + share / std::max<std::int64_t>(strip * n * k, 1),
                     [&](std::int64_t begin, std::int64_t end) {
                         multiply(all, strip * begin, std::min(strip * end, m));
                     });
}

/// Without a record for gradients; no view. The same sums whichever factor is laid out anew: the
/// smaller.
Tensor multiplied(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias) {
    const Tensor a = x.dim() == 2 ? x : x.flatten(0, -2);
    const std::int64_t m = a.size(0), n = weight.size(0), step = bias ? bias->stride(0) : 0;
    const float* shift = bias ? bias->const_data_ptr<float>() : nullptr;
    std::vector<std::int64_t> shape = x.sizes().vec();
    shape.back() = n;
    Tensor y = at::empty(shape, x.options());
    constexpr std::int64_t few = 16;
    if (m > few) {
        multiply_all(a, weight.t().contiguous(), {shift, 0, step}, y);
    } else {
        const Tensor c = at::empty({n, m}, x.options());
        multiply_all(weight, a.t().contiguous(), {shift, step, 0}, c);
        y.view({m, n}).copy_(c.t());
    }
    return y;
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
