#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace pushforward {

/// A number a row, [B], in x's type and on its device, broadcast over x's event: [B, 1, ...].
inline at::Tensor rowwise(const at::Tensor& number, const at::Tensor& x) {
    std::vector<std::int64_t> shape(static_cast<std::size_t>(x.dim()), 1);
    shape[0] = number.size(0);
    return number.to(x.options().requires_grad(false)).view(shape);
}

}  // namespace pushforward
