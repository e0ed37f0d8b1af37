#include "pushforward/nn/layers.hpp"

#include "pushforward/kernels/group_norm_silu.hpp"
#include "pushforward/kernels/linear.hpp"
#include "pushforward/nn/flops.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <numeric>
#include <utility>

namespace pushforward {
namespace {

/// Registers `tensor` as the parameter `name` of `owner`.
Weight parameter(torch::nn::Module& owner, const std::string& name, Tensor tensor,
                 bool channels_last = false) {
    return Weight(owner.register_parameter(name, std::move(tensor)), channels_last);
}

Tensor initial(at::IntArrayRef shape, std::int64_t fan_in, Init init) {
    if (init == Init::zero) return at::zeros(shape);
    const double bound = 1 / std::sqrt(static_cast<double>(std::max<std::int64_t>(fan_in, 1)));
    return at::empty(shape).uniform_(-bound, bound);
}

/// Counts y = (weights applied to x): each number of y takes one row of the weights.
void count(const Tensor& x, const Tensor& weight, const Tensor& y) {
    const int gradients =
        at::GradMode::is_enabled() ? x.requires_grad() + weight.requires_grad() : 0;
    count_flops(
        2. * static_cast<double>(y.numel()) * static_cast<double>(weight.numel() / weight.size(0)),
        gradients);
}

}  // namespace

torch::nn::Module& submodule(torch::nn::Module& parent, const std::string& name) {
    for (const auto& child : parent.named_children())
        if (child.key() == name) return *child.value();
    return *parent.register_module(name, std::make_shared<torch::nn::Module>(name));
}

struct Weight::Cache {
    std::mutex mutex;
    Tensor copy;
    const void* source = nullptr;
    std::int64_t version = -1;
};

Weight::Weight(Tensor parameter, bool channels_last)
    : parameter_(std::move(parameter)),
      channels_last_(channels_last),
      cache_(std::make_shared<Cache>()) {}

Tensor Weight::in(at::ScalarType dtype) const {
    if (parameter_.scalar_type() == dtype) return parameter_;
    const auto cast = [&] {
        return parameter_.to(
            parameter_.options().dtype(dtype), false, true,
            channels_last_ ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Preserve);
    };
    if (at::GradMode::is_enabled()) return cast();
    const std::lock_guard lock(cache_->mutex);
    const auto version = static_cast<std::int64_t>(parameter_._version());
    const void* source = parameter_.const_data_ptr();
    const bool fresh = cache_->copy.defined() && cache_->copy.scalar_type() == dtype &&
                       cache_->source == source && cache_->version == version;
    if (!fresh) {
        cache_->copy = cast();
        cache_->source = source;
        cache_->version = version;
    }
    return cache_->copy;
}

Linear::Linear(torch::nn::Module& parent, const std::string& name, std::int64_t in,
               std::int64_t out, Init init) {
    torch::nn::Module& own = submodule(parent, name);
    weight = parameter(own, "weight", initial({out, in}, in, init));
    bias = parameter(own, "bias", initial({out}, in, init));
}

Tensor Linear::operator()(const Tensor& x, const Tensor& mask) const {
    const auto dtype = x.scalar_type();
    const Tensor w = weight.in(dtype);
    const Tensor y = linear_layer(x, mask.defined() ? w * mask.to(dtype) : w, bias.in(dtype));
    count(x, weight.parameter(), y);
    return y;
}

Conv2d::Conv2d(torch::nn::Module& parent, const std::string& name, std::int64_t in,
               std::int64_t out, std::int64_t kernel, std::int64_t stride_, Init init)
    : stride(stride_) {
    torch::nn::Module& own = submodule(parent, name);
    const std::int64_t fan_in = in * kernel * kernel;
    weight = parameter(own, "weight", initial({out, in, kernel, kernel}, fan_in, init), true);
    bias = parameter(own, "bias", initial({out}, fan_in, init));
}

Tensor Conv2d::operator()(const Tensor& x) const {
    const std::int64_t kernel = weight.parameter().size(2);
    const Tensor y =
        at::conv2d(x, weight.in(x.scalar_type()), bias.in(x.scalar_type()), stride, kernel / 2);
    count(x, weight.parameter(), y);
    return y;
}

GroupNorm::GroupNorm(torch::nn::Module& parent, const std::string& name, std::int64_t channels,
                     std::int64_t groups_)
    : groups(std::gcd(groups_, channels)) {
    torch::nn::Module& own = submodule(parent, name);
    weight = parameter(own, "weight", at::ones({channels}));
    bias = parameter(own, "bias", at::zeros({channels}));
}

Tensor GroupNorm::operator()(const Tensor& x, bool silu) const {
    return group_norm_silu(x, weight.parameter(), bias.parameter(), groups, 1e-5, silu);
}

}  // namespace pushforward
