#include "pushforward/training/optimiser.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/kernels/adam.hpp"

#include <ATen/Parallel.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>

#include <cmath>

namespace pushforward {
namespace {

constexpr std::int64_t kChunk = 1 << 15;  ///< elements that a thread takes at a time

bool has_kernel(const Tensor& parameter) {
    return parameter.is_cpu() && parameter.is_non_overlapping_and_dense() &&
           (parameter.scalar_type() == at::kFloat || parameter.scalar_type() == at::kDouble);
}

/// The gradient laid out in memory as the parameter is.
Tensor gradient_like(const Tensor& parameter) {
    const Tensor& g = parameter.grad();
    if (g.strides() == parameter.strides()) return g;
    return at::empty_like(parameter).copy_(g);
}

template <class F>
void for_chunks(std::int64_t n, F f) {
    at::parallel_for(0, (n + kChunk - 1) / kChunk, 1, [&](std::int64_t begin, std::int64_t end) {
        for (auto c = begin; c < end; ++c) f(c, c * kChunk, std::min(n, (c + 1) * kChunk));
    });
}

template <class T>
void update_by_kernel(const AdamNumbers& a, Tensor& parameter, Tensor& m, Tensor& v) {
    const Tensor gradient = gradient_like(parameter);
    auto* p = parameter.mutable_data_ptr<T>();
    const auto* g = gradient.const_data_ptr<T>();
    auto *mp = m.mutable_data_ptr<T>(), *vp = v.mutable_data_ptr<T>();
    for_chunks(parameter.numel(), [&](std::int64_t, std::int64_t begin, std::int64_t end) {
        adam_update(a, end - begin, p + begin, g + begin, mp + begin, vp + begin);
    });
}

/// The plain composition, for every device and type; the kernel must equal it.
void update_by_calls(const AdamNumbers& a, Tensor& parameter, Tensor& m, Tensor& v) {
    const Tensor g = parameter.grad() * a.gradient_scale + parameter * a.decay;
    m.mul_(a.beta1).add_(g, 1 - a.beta1);
    v.mul_(a.beta2).addcmul_(g, g, 1 - a.beta2);
    const Tensor root = v.sqrt().div_(std::sqrt(a.correction2)).add_(a.epsilon);
    parameter.mul_(a.shrink).addcdiv_(m, root, -a.learning_rate / a.correction1);
}

template <class T>
double squares(const Tensor& dense) {
    const auto* x = dense.const_data_ptr<T>();
    std::vector<double> sums(static_cast<std::size_t>((dense.numel() + kChunk - 1) / kChunk));
    for_chunks(dense.numel(), [&](std::int64_t c, std::int64_t begin, std::int64_t end) {
        sums[static_cast<std::size_t>(c)] = sum_of_squares(end - begin, x + begin);
    });
    double total = 0;
    for (double s : sums) total += s;
    return total;
}

}  // namespace

Optimiser::Optimiser(const std::vector<ParameterGroup>& groups, const TrainOptions& options)
    : options_(options) {
    for (const auto& group : groups)
        for (const auto& [name, parameter] : group.parameters) {
            const Tensor zero = at::zeros_like(parameter.detach());
            entries_.push_back({name, parameter, zero, zero.clone(), group.learning_rate_scale,
                                options.weight_decay * group.weight_decay_scale});
        }
    updates_ = at::zeros({static_cast<std::int64_t>(entries_.size())}, at::kLong);
}

void Optimiser::step(double learning_rate, double gradient_scale) {
    const c10::AutoGradMode no_graph(false);
    auto* updates = updates_.mutable_data_ptr<std::int64_t>();
    for (std::size_t i = 0; i < entries_.size(); ++i)
        if (entries_[i].parameter.grad().defined())
            update(entries_[i], ++updates[i], learning_rate, gradient_scale);
}

void Optimiser::update(Entry& e, std::int64_t k, double learning_rate,
                       double gradient_scale) const {
    const double rate = learning_rate * e.learning_rate_scale;
    const bool decoupled = options_.optimiser == OptimiserKind::adamw;
    const AdamNumbers a{.learning_rate = rate,
                        .beta1 = options_.beta1,
                        .beta2 = options_.beta2,
                        .epsilon = options_.epsilon,
                        .decay = decoupled ? 0 : e.weight_decay,
                        .shrink = decoupled ? 1 - rate * e.weight_decay : 1,
                        .gradient_scale = gradient_scale,
                        .correction1 = 1 - std::pow(options_.beta1, static_cast<double>(k)),
                        .correction2 = 1 - std::pow(options_.beta2, static_cast<double>(k))};
    if (!has_kernel(e.parameter))
        update_by_calls(a, e.parameter, e.m, e.v);
    else if (e.parameter.scalar_type() == at::kFloat)
        update_by_kernel<float>(a, e.parameter, e.m, e.v);
    else
        update_by_kernel<double>(a, e.parameter, e.m, e.v);
    // A kernel writes behind autograd's back: whoever caches by version must see the change.
    if (has_kernel(e.parameter)) e.parameter.unsafeGetTensorImpl()->bump_version();
}

void Optimiser::zero_grad() {
    for (auto& e : entries_) e.parameter.mutable_grad() = Tensor();
}

double Optimiser::gradient_norm() const {
    double total = 0;
    for (const auto& e : entries_) {
        const Tensor& g = e.parameter.grad();
        if (!g.defined()) continue;
        if (!has_kernel(g))
            total += std::pow(g.detach().to(at::kDouble).norm().item<double>(), 2);
        else
            total += g.scalar_type() == at::kFloat ? squares<float>(g) : squares<double>(g);
    }
    return std::sqrt(total);
}

NamedTensors Optimiser::state() const {
    NamedTensors all{{"updates", updates_}};
    for (const auto& e : entries_) {
        all[e.name + ".m"] = e.m;
        all[e.name + ".v"] = e.v;
    }
    return all;
}

}  // namespace pushforward
