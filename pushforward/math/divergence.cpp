#include "pushforward/math/divergence.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/autograd.h>

namespace pushforward {

Tensor divergence(const Tensor& y, const Tensor& x, Trace trace, const Tensor& signs,
                  bool differentiable) {
    using torch::autograd::grad;
    if (trace == Trace::hutchinson) {
        const Tensor along = grad({y}, {x}, {signs}, {}, differentiable)[0];
        return (signs * along).flatten(1).sum(1);
    }
    const Tensor flat = y.flatten(1);
    const std::int64_t dims = flat.size(1);
    Tensor sum = at::zeros({x.size(0)}, x.options().requires_grad(false));
    for (std::int64_t i = 0; i < dims; ++i) {
        const bool keep = differentiable || i + 1 < dims;
        const Tensor row = grad({flat.select(1, i).sum()}, {x}, {}, keep, differentiable)[0];
        sum = sum + row.flatten(1).select(1, i);
    }
    return sum;
}

}  // namespace pushforward
