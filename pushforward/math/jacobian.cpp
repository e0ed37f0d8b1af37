#include "pushforward/math/jacobian.hpp"

#include "pushforward/base/errors.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/autograd.h>

#include <vector>

namespace pushforward {

Linearised linearise(const Map& map, const Tensor& z) {
    PF_CHECK(z.dim() == 2, "a map's points", "[B, k]", z.sizes());
    const at::AutoGradMode with_grad(true);
    const Tensor at = z.detach().clone().requires_grad_(true);
    const Tensor value = map(at);
    PF_CHECK(value.dim() == 2 && value.size(0) == z.size(0), "a map's values",
             text("[", z.size(0), ", d]"), value.sizes());
    const std::int64_t d = value.size(1);
    std::vector<Tensor> rows;
    for (std::int64_t i = 0; i < d; ++i) {
        const Tensor row = torch::autograd::grad({value.select(1, i).sum()}, {at}, {}, i + 1 < d,
                                                 false, /*allow_unused=*/true)[0];
        rows.push_back(row.defined() ? row : at::zeros_like(z));
    }
    return {value.detach(), at::stack(rows, 1)};
}

}  // namespace pushforward
