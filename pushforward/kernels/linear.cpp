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

/// Multiplications from which a kernel gains anything, and of a thread's share.
constexpr std::int64_t kWorth = 1 << 15, kShare = 1 << 19;

bool worth(const Tensor& x, const Tensor& weight) {
    return x.dim() >= 2 && x.is_cpu() && x.scalar_type() == at::kFloat &&
           weight.scalar_type() == at::kFloat && x.numel() * weight.size(0) >= kWorth &&
           multiplies();
}

/// Without a record for gradients.
Tensor multiplied(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias) {
    const Tensor a = x.dim() == 2 ? x : x.flatten(0, -2), b = weight.t().contiguous();
    const Tensor shift = bias ? bias->contiguous() : Tensor();
    const std::int64_t m = a.size(0), k = a.size(1), n = b.size(1), strip = 8;
    const Tensor c = at::empty({m, n}, a.options());
    const MatrixProduct product{m,
                                k,
                                n,
                                a.const_data_ptr<float>(),
                                a.stride(0),
                                a.stride(1),
                                b.const_data_ptr<float>(),
                                bias ? shift.const_data_ptr<float>() : nullptr,
                                c.data_ptr<float>()};
    at::parallel_for(0, (m + strip - 1) / strip, 1 + kShare / (strip * n * k),
                     [&](std::int64_t begin, std::int64_t end) {
                         multiply(product, strip * begin, std::min(strip * end, m));
                     });
    if (x.dim() == 2) return c;
    std::vector<std::int64_t> shape = x.sizes().vec();
    shape.back() = n;
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
    if (!worth(x, weight)) return at::linear(x, weight, shift);
    if (at::GradMode::is_enabled() &&
        (x.requires_grad() || weight.requires_grad() || (shift && bias.requires_grad())))
        return LinearLayer::apply(x, weight, shift);
    return multiplied(x, weight, shift);
}

}  // namespace pushforward
