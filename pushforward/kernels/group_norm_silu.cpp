#include "pushforward/kernels/group_norm_silu.hpp"

#include "pushforward/kernels/group_norm_silu_cpu.hpp"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/group_norm.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/var_mean.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <tuple>
#include <vector>

namespace pushforward {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

template <class T>
T* raw(const Tensor& t) {
    return static_cast<T*>(t.data_ptr());
}

/// Calls f with a null pointer of the kernel's element type.
template <class F>
void by_type(const Tensor& x, F f) {
    if (x.scalar_type() == at::kFloat)
        f(static_cast<float*>(nullptr));
    else
        f(static_cast<std::uint16_t*>(nullptr));
}

GroupNormItem item_of(const Tensor& x, std::int64_t groups, double eps, bool silu) {
    return {x.size(2) * x.size(3), x.size(1), groups, eps, silu};
}

/// y, mean [N, groups] and scale [N, groups] of channels-last x; float32 weight and bias.
std::tuple<Tensor, Tensor, Tensor> fused(const Tensor& x, const Tensor& weight, const Tensor& bias,
                                         std::int64_t groups, double eps, bool silu) {
    const Tensor y = at::empty_like(x);
    const Tensor mean = at::empty({x.size(0), groups}), scale = at::empty({x.size(0), groups});
    const GroupNormItem item = item_of(x, groups, eps, silu);
    const std::int64_t stride = item.positions * item.channels;
    by_type(x, [&](auto* type) {
        using T = std::remove_pointer_t<decltype(type)>;
        at::parallel_for(0, x.size(0), 1, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t n = begin; n < end; ++n)
                group_norm_silu_item(item, raw<T>(x) + n * stride, raw<float>(weight),
                                     raw<float>(bias), raw<T>(y) + n * stride,
                                     raw<float>(mean) + n * groups, raw<float>(scale) + n * groups);
        });
    });
    return {y, mean, scale};
}

class GroupNormSilu : public torch::autograd::Function<GroupNormSilu> {
public:
    static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight,
                          const Tensor& bias, std::int64_t groups, double eps, bool silu) {
        const auto [y, mean, scale] = fused(x, weight, bias, groups, eps, silu);
        context->save_for_backward({x, weight, bias, mean, scale});
        context->saved_data["groups"] = groups;
        context->saved_data["eps"] = eps;
        context->saved_data["silu"] = silu;
        return y;
    }

    static variable_list backward(AutogradContext* context, variable_list gradients) {
        const variable_list saved = context->get_saved_variables();
        const Tensor &x = saved[0], &weight = saved[1], &bias = saved[2];
        const std::int64_t groups = context->saved_data["groups"].toInt();
        const double eps = context->saved_data["eps"].toDouble();
        const bool silu = context->saved_data["silu"].toBool();
        variable_list result(6);
        if (at::GradMode::is_enabled()) {  // the gradient will itself be differentiated
            const Tensor y = group_norm_silu_plain(x, weight, bias, groups, eps, silu);
            const auto g =
                torch::autograd::grad({y}, {x, weight, bias}, {gradients[0]}, true, true);
            for (std::size_t i = 0; i < 3; ++i) result[i] = g[i];
            return result;
        }
        const Tensor dy =
            gradients[0].to(x.scalar_type()).contiguous(at::MemoryFormat::ChannelsLast);
        const Tensor dx = at::empty_like(x);
        const GroupNormItem item = item_of(x, groups, eps, silu);
        const std::int64_t stride = item.positions * item.channels;
        const Tensor dweight = at::empty({x.size(0), item.channels});
        const Tensor dbias = at::empty({x.size(0), item.channels});
        by_type(x, [&](auto* type) {
            using T = std::remove_pointer_t<decltype(type)>;
            at::parallel_for(0, x.size(0), 1, [&](std::int64_t begin, std::int64_t end) {
                std::vector<float> scratch(static_cast<std::size_t>(stride));
                for (std::int64_t n = begin; n < end; ++n)
                    group_norm_silu_item_backward(
                        item, raw<T>(x) + n * stride, raw<T>(dy) + n * stride, raw<float>(weight),
                        raw<float>(bias), raw<float>(saved[3]) + n * groups,
                        raw<float>(saved[4]) + n * groups, raw<T>(dx) + n * stride,
                        raw<float>(dweight) + n * item.channels,
                        raw<float>(dbias) + n * item.channels, scratch.data());
            });
        });
        result[0] = dx;
        result[1] = dweight.sum(0);
        result[2] = dbias.sum(0);
        return result;
    }
};

}  // namespace

Tensor group_norm_silu_plain(const Tensor& x, const Tensor& weight, const Tensor& bias,
                             std::int64_t groups, double eps, bool silu) {
    const auto type = x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
    const std::int64_t n = x.size(0), channels = x.size(1);
    // Splitting dimension 1 is a view in every memory format.
    std::vector<std::int64_t> split{n, groups, channels / groups}, per_channel{1, channels}, over;
    for (std::int64_t d = 2; d < x.dim(); ++d) {
        split.push_back(x.size(d));
        per_channel.push_back(1);
    }
    for (std::int64_t d = 2; d <= x.dim(); ++d) over.push_back(d);
    const Tensor grouped = x.to(type).view(split);
    const auto [variance, mean] = at::var_mean(grouped, at::IntArrayRef(over), false, true);
    const Tensor normal = ((grouped - mean) * at::rsqrt(variance + eps)).view(x.sizes());
    Tensor y = normal * weight.to(type).view(per_channel) + bias.to(type).view(per_channel);
    if (silu) y = at::silu(y);
    return y.to(x.scalar_type());
}

Tensor group_norm_silu(const Tensor& x, const Tensor& weight, const Tensor& bias,
                       std::int64_t groups, double eps, bool silu) {
    const auto type = x.scalar_type();
    const bool kernel = x.is_cpu() && x.dim() == 4 && (type == at::kFloat || type == at::kBFloat16);
    if (!kernel) return group_norm_silu_plain(x, weight, bias, groups, eps, silu);
    const Tensor rows = x.contiguous(at::MemoryFormat::ChannelsLast);
    const Tensor w = weight.to(at::kFloat), b = bias.to(at::kFloat);
    const bool graph = at::GradMode::is_enabled() &&
                       (rows.requires_grad() || w.requires_grad() || b.requires_grad());
    if (graph) return GroupNormSilu::apply(rows, w, b, groups, eps, silu);
    return std::get<0>(fused(rows, w, b, groups, eps, silu));
}

}  // namespace pushforward
