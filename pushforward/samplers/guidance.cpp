#include "pushforward/samplers/guidance.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/ones.h>

#include <utility>

namespace pushforward {
namespace {

/// The condition's rows, then as many rows with nothing given.
Condition with_and_without(const Condition& c) {
    const Condition none = c.none();
    Condition both;
    for (const auto& [name, value] : c.value) {
        const auto given = c.given.find(name);
        const Tensor& hidden = none.given.at(name);
        both.value[name] = at::cat({value, value});
        both.given[name] = at::cat(
            {given == c.given.end() ? at::ones(hidden.sizes(), hidden.options()) : given->second,
             hidden});
    }
    return both;
}

}  // namespace

Denoise guided(const Denoiser& model, const Condition& c, double gamma, std::int64_t* evaluations) {
    const bool once = c.empty() || gamma == 1 || gamma == 0;
    const Condition used = c.empty() || gamma == 1 ? c
                           : gamma == 0            ? c.none()
                                                   : with_and_without(c);
    return [&model, used, gamma, once, evaluations](const Tensor& x, const Tensor& t) {
        if (evaluations) *evaluations += once ? 1 : 2;
        if (once) return model.predict_x0(x, t, used);
        const auto both = model.predict_x0(at::cat({x, x}), at::cat({t, t}), used).chunk(2);
        return gamma * both[0] + (1 - gamma) * both[1];
    };
}

Denoise clipped(Denoise denoise, double bound) {
    return [denoise = std::move(denoise), bound](const Tensor& x, const Tensor& t) {
        return denoise(x, t).clamp(-bound, bound);
    };
}

}  // namespace pushforward
