#include "pushforward/core/batch.hpp"

#include <ATen/ops/zeros.h>

namespace pushforward {
namespace {

using Tensors = std::map<std::string, Tensor>;

template <class F>
Tensors map_all(const Tensors& in, F f) {
    Tensors out;
    for (const auto& [name, t] : in) out[name] = f(t);
    return out;
}

}  // namespace

Condition Condition::none() const {
    Condition c;
    c.value = value;
    for (const auto& [name, v] : value)
        c.given[name] = at::zeros({v.size(0)}, v.options().dtype(at::kBool));
    return c;
}

Condition Condition::slice(std::int64_t begin, std::int64_t end) const {
    auto cut = [&](const Tensor& t) { return t.slice(0, begin, end); };
    return {map_all(value, cut), map_all(given, cut)};
}

Condition Condition::rows(const Tensor& index) const {
    auto pick = [&](const Tensor& t) { return t.index_select(0, index); };
    return {map_all(value, pick), map_all(given, pick)};
}

Condition Condition::to(at::Device device) const {
    auto move = [&](const Tensor& t) { return t.to(device); };
    return {map_all(value, move), map_all(given, move)};
}

Batch Batch::slice(std::int64_t begin, std::int64_t end) const {
    auto cut = [&](const Tensor& t) { return t.defined() ? t.slice(0, begin, end) : t; };
    return {cut(x), cut(length), cut(weight), cut(index), c.slice(begin, end)};
}

Batch Batch::to(at::Device device) const {
    auto move = [&](const Tensor& t) { return t.defined() ? t.to(device) : t; };
    return {move(x), move(length), move(weight), move(index), c.to(device)};
}

}  // namespace pushforward
