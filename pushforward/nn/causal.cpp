#include "pushforward/nn/causal.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/nn/flops.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/empty.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace pushforward {

Tensor unit_groups(std::int64_t width, std::int64_t groups) {
    return (at::arange(width, at::kLong) * groups).floor_divide(width);
}

std::int64_t units_before(std::int64_t group, std::int64_t width, std::int64_t groups) {
    return (group * width + groups - 1) / groups;
}

Tensor sight(const Tensor& output_groups, const Tensor& input_groups) {
    return (output_groups.unsqueeze(1) >= input_groups).to(at::kFloat);
}

CausalConv::CausalConv(torch::nn::Module& parent, const std::string& name, std::int64_t in,
                       std::int64_t out, std::int64_t rows_, std::int64_t left_, std::int64_t right)
    : rows(rows_), left(left_) {
    torch::nn::Module& own = submodule(parent, name);
    const std::int64_t columns = left + 1 + right;
    const double bound = 1 / std::sqrt(static_cast<double>(in * rows * columns));
    const auto begin = [&](at::IntArrayRef shape) {
        return at::empty(shape).uniform_(-bound, bound);
    };
    weight = Weight(own.register_parameter("weight", begin({out, in, rows, columns})), true);
    bias = Weight(own.register_parameter("bias", begin({out})));
}

Tensor CausalConv::operator()(const Tensor& x, const Tensor& mask) const {
    const auto type = x.scalar_type();
    const Tensor w = mask.defined() ? weight.in(type) * mask.to(type) : weight.in(type);
    // Padded on both sides, cut to the first rows and columns.
    const Tensor y = at::conv2d(x.movedim(-1, 1), w, bias.in(type), 1, {rows - 1, left});
    const int gradients =
        at::GradMode::is_enabled() ? int{x.requires_grad()} + int{w.requires_grad()} : 0;
    count_flops(2. * static_cast<double>(y.numel()) * static_cast<double>(w.numel() / w.size(0)),
                gradients);
    return y.slice(2, 0, x.size(1)).slice(3, 0, x.size(2)).movedim(1, -1);
}

std::vector<float> plain_numbers(const Tensor& x) {
    const Tensor plain = x.detach().to(at::kCPU, at::kFloat).contiguous();
    const float* data = plain.const_data_ptr<float>();
    return {data, data + plain.numel()};
}

PackedLinear packed(const Tensor& weight, const Tensor& bias) {
    return PackedLinear(plain_numbers(weight).data(), plain_numbers(bias).data(), weight.size(1),
                        weight.size(0));
}

PackedLinear packed(const Linear& layer) {
    return packed(layer.weight.parameter(), layer.bias.parameter());
}

std::vector<float> projected(const std::string& who, const Linear& layer, const Tensor& context,
                             std::int64_t n) {
    if (!context.defined()) return {};
    const PackedLinear map = packed(layer);
    PF_CHECK(context.dim() == 2 && context.size(0) == n && context.size(1) == map.in(),
             who + ": context", text("[", n, ", ", map.in(), "]"), text(context.sizes()));
    std::vector<float> y(n * map.out());
    map(plain_numbers(context).data(), map.in(), n, y.data(), map.out());
    return y;
}

void add_to(float* y, const float* x, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) y[i] += x[i];
}

void relu_step(float* x, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) x[i] = std::max(x[i], 0.f);
}

Tensor checked_symbols(const std::string& who, const Tensor& came, std::int64_t n,
                       std::int64_t symbols, std::int64_t room) {
    PF_CHECK(came.dim() == 2 && came.size(0) == n, who + ": symbols", text("[", n, ", any]"),
             text(came.sizes()));
    PF_CHECK(room < 0 || came.size(1) <= room, who + ": symbols",
             text("at most ", room, " more that something follows"), came.size(1));
    const Tensor plain = came.to(at::kCPU, at::kLong).clamp_min(0).contiguous();
    if (plain.numel() > 0) {
        const auto largest = plain.max().item<std::int64_t>();
        PF_CHECK(largest < symbols, who + ": symbols", text("0 to ", symbols - 1), largest);
    }
    return plain;
}

Tensor rows_of(const std::vector<float>& numbers, std::int64_t n) {
    const Tensor y =
        at::empty({n, static_cast<std::int64_t>(numbers.size()) / std::max<std::int64_t>(n, 1)});
    std::memcpy(y.data_ptr<float>(), numbers.data(), numbers.size() * sizeof(float));
    return y;
}

}  // namespace pushforward
