#include "pushforward/kernels/linear.hpp"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/linear.h>
#include <torch/csrc/autograd/custom_function.h>

#include <optional>
#include <string_view>

namespace pushforward {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Multiplications from which oneDNN's product gains more than its call costs.
constexpr std::int64_t kWorth = std::int64_t{1} << 21;

using Product = Tensor(const Tensor&, const Tensor&, const std::optional<Tensor>&, std::string_view,
                       c10::List<std::optional<at::Scalar>>, std::optional<std::string_view>);

/// oneDNN's linear layer; nothing where LibTorch was built without it.
const std::optional<c10::TypedOperatorHandle<Product>>& product() {
    static const auto found = [] {
        const auto schema =
            c10::Dispatcher::singleton().findSchema({"mkldnn::_linear_pointwise", ""});
        return schema ? std::optional(schema->typed<Product>()) : std::nullopt;
    }();
    return found;
}

bool worth(const Tensor& x, const Tensor& weight) {
    return x.is_cpu() && x.scalar_type() == at::kFloat && weight.scalar_type() == at::kFloat &&
           x.numel() * weight.size(0) >= kWorth && at::globalContext().userEnabledMkldnn() &&
           product();
}

/// No gradient is recorded.
Tensor plain(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias) {
    if (!worth(x, weight)) return at::linear(x, weight, bias);
    return product()->call(x, weight, bias, "none", c10::List<std::optional<at::Scalar>>(), "");
}

class Affine : public torch::autograd::Function<Affine> {
public:
    static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight,
                          const std::optional<Tensor>& bias) {
        context->save_for_backward({x, weight});
        context->saved_data["bias"] = bias.has_value();
        return plain(x, weight, bias);
    }

    static variable_list backward(AutogradContext* context, variable_list gradients) {
        const variable_list saved = context->get_saved_variables();
        const Tensor &x = saved[0], &weight = saved[1], &dy = gradients[0];
        variable_list result(3);
        if (context->needs_input_grad(0)) result[0] = linear_layer(dy, weight.t(), {});
        const Tensor rows = dy.flatten(0, -2);
        if (context->needs_input_grad(1)) result[1] = rows.t().matmul(x.flatten(0, -2));
        if (context->saved_data["bias"].toBool() && context->needs_input_grad(2))
            result[2] = rows.sum(0);
        return result;
    }
};

}  // namespace

Tensor linear_layer(const Tensor& x, const Tensor& weight, const Tensor& bias) {
    const auto shift = bias.defined() ? std::optional(bias) : std::nullopt;
    if (x.dim() < 2 || !worth(x, weight)) return at::linear(x, weight, shift);
    if (at::GradMode::is_enabled() &&
        (x.requires_grad() || weight.requires_grad() || (shift && bias.requires_grad())))
        return Affine::apply(x, weight, shift);
    return plain(x, weight, shift);
}

}  // namespace pushforward
