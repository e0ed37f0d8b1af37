#include "pushforward/bijections/bijection.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <optional>

namespace pushforward {

namespace {

/// What link i of a chain is told.
Given told(const Given& given, std::size_t i, std::optional<Rng>& own) {
    if (!given.noise) return given;
    own = given.noise->split(i);
    return {given.context, &*own};
}

}  // namespace

Mapped Chain::forward(const Tensor& x, const Given& given) const {
    Mapped all{x, at::zeros({x.size(0)}, x.options())};
    for (std::size_t i = 0; i < links_.size(); ++i) {
        std::optional<Rng> own;
        Mapped next = links_[i]->forward(all.y, told(given, i, own));
        all = {std::move(next.y), all.log_det + next.log_det};
    }
    return all;
}

Mapped Chain::inverse(const Tensor& y, const Given& given) const {
    Mapped all{y, at::zeros({y.size(0)}, y.options())};
    for (std::size_t i = links_.size(); i-- > 0;) {
        std::optional<Rng> own;
        Mapped next = links_[i]->inverse(all.y, told(given, i, own));
        all = {std::move(next.y), all.log_det + next.log_det};
    }
    return all;
}

bool Chain::estimates() const {
    return std::any_of(links_.begin(), links_.end(),
                       [](const auto& link) { return link->estimates(); });
}

void Chain::initialise(const Tensor& x, const Given& given) {
    Tensor arriving = x;
    for (const auto& link : links_) {
        link->initialise(arriving, given);
        arriving = link->forward(arriving, given).y;
    }
}

}  // namespace pushforward
