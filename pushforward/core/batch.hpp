#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>

namespace pushforward {

using at::Tensor;

/// Values of the named conditions, [B, event...] each (class labels: int64 [B]), and which rows
/// carry them: `given` is bool [B]; an absent entry means that every row does.
struct Condition {
    std::map<std::string, Tensor> value, given;

    bool empty() const { return value.empty(); }
    /// The same values with no row given: the unconditional model.
    Condition none() const;
    /// Rows [begin, end).
    Condition slice(std::int64_t begin, std::int64_t end) const;
    /// The rows that int64 `index` names, in its order.
    Condition rows(const Tensor& index) const;
    Condition to(at::Device device) const;
};

/// B items. `x` is [B, event...] in model units; `length` [B] where sizes vary, `weight` [B],
/// `index` int64 [B], the items' rows in their data set. Undefined tensors are absent.
struct Batch {
    Tensor x, length, weight, index;
    Condition c;

    std::int64_t size() const { return x.defined() ? x.size(0) : 0; }
    Batch slice(std::int64_t begin, std::int64_t end) const;
    Batch to(at::Device device) const;
};

}  // namespace pushforward
