#include "pushforward/bijections/bijection.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros.h>

namespace pushforward {

Mapped Chain::forward(const Tensor& x, const Tensor& context) const {
    Mapped all{x, at::zeros({x.size(0)}, x.options())};
    for (const auto& link : links_) {
        Mapped next = link->forward(all.y, context);
        all = {std::move(next.y), all.log_det + next.log_det};
    }
    return all;
}

Mapped Chain::inverse(const Tensor& y, const Tensor& context) const {
    Mapped all{y, at::zeros({y.size(0)}, y.options())};
    for (auto link = links_.rbegin(); link != links_.rend(); ++link) {
        Mapped next = (*link)->inverse(all.y, context);
        all = {std::move(next.y), all.log_det + next.log_det};
    }
    return all;
}

void Chain::initialise(const Tensor& x, const Tensor& context) {
    Tensor arriving = x;
    for (const auto& link : links_) {
        link->initialise(arriving, context);
        arriving = link->forward(arriving, context).y;
    }
}

}  // namespace pushforward
