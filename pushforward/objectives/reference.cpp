#include "pushforward/objectives/reference.hpp"

#include "pushforward/core/dataset.hpp"
#include "pushforward/core/rowwise.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/softmax.h>

#include <limits>

namespace pushforward {
namespace {

Tensor columns_of(const Tensor& rows) {
    return rows.unsqueeze(1);
}

/// Where the item's label is given and another than the row's: [B, n].
Tensor others(const Tensor& labels, const Tensor& given, const Tensor& of_rows) {
    const Tensor differ = columns_of(labels) != of_rows;
    return given.defined() ? differ.logical_and(columns_of(given)) : differ;
}

}  // namespace

Reference::Reference(const Sources& sources, std::int64_t count,
                     const std::vector<Field>& conditions) {
    for (const Field& field : conditions) labels_.push_back(field.name);
    rows_ = spread(*sources.data, sources.rows, count);
    squares_ = rows_.x.flatten(1).square().sum(1);
}

Tensor Reference::mean(const Batch& batch, const Tensor& eps, const Tensor& ratio,
                       const Condition& c) const {
    const at::NoGradGuard no_grad;
    const auto device = batch.x.device();
    const Tensor known = rows_.x.to(device).flatten(1), own = batch.x.flatten(1);
    // log w_j less what is the same for every j: (r^2 x0 + r eps).x_j - r^2 |x_j|^2 / 2
    const Tensor r = rowwise(ratio, own);
    const Tensor pull = r * r * own + r * eps.flatten(1), half = r * r / 2;
    Tensor log_w = pull.matmul(known.t()) - half * squares_.to(device);
    constexpr double never = -std::numeric_limits<double>::infinity();
    if (batch.index.defined())  // the row itself counts once
        log_w = log_w.masked_fill(columns_of(batch.index) == rows_.index.to(device), never);
    for (const std::string& name : labels_) {
        const auto given = c.given.find(name);
        log_w = log_w.masked_fill(
            others(c.value.at(name), given == c.given.end() ? Tensor() : given->second,
                   rows_.c.value.at(name).to(device)),
            never);
    }
    const Tensor log_own = (pull * own).sum(1, true) - half * own.square().sum(1, true);
    const Tensor w = at::softmax(at::cat({log_w, log_own}, 1), 1);
    const std::int64_t n = known.size(0);
    return (w.slice(1, 0, n).matmul(known) + w.slice(1, n) * own).view(batch.x.sizes());
}

std::string refuse_reference(const Sources& sources, const std::vector<Field>& conditions) {
    if (sources.rows.empty()) return "objective.reference needs rows to train on";
    for (const Field& field : conditions)
        if (field.space.kind != Kind::symbol)
            return "objective.reference compares labels alone, and condition '" + field.name +
                   "' is none (data.conditional = false leaves conditions out)";
    return "";
}

}  // namespace pushforward
