#include "pushforward/math/slerp.hpp"

#include "pushforward/core/rowwise.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/where.h>

namespace pushforward {

Tensor slerp(const Tensor& a, const Tensor& b, double share) {
    const Tensor x = a.flatten(1).to(at::kDouble), y = b.flatten(1).to(at::kDouble);
    const Tensor cosine = (x * y).sum(1) / (x.norm(2, {1}) * y.norm(2, {1})).clamp_min(1e-300);
    const Tensor angle = cosine.clamp(-1, 1).acos(), sine = angle.sin();
    const Tensor straight = sine < 1e-6, safe = at::where(straight, at::ones_like(sine), sine);
    const auto weight = [&](double s) {
        return rowwise(at::where(straight, at::full_like(sine, s), (s * angle).sin() / safe), a);
    };
    return weight(1 - share) * a + weight(share) * b;
}

}  // namespace pushforward
