#include "pushforward/objectives/reference.hpp"

#include "pushforward/core/dataset.hpp"
#include "pushforward/core/rowwise.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <limits>

namespace pushforward {
namespace {

/// How many numbers are kept: a gibibyte.
constexpr std::int64_t kMostNumbers = std::int64_t{1} << 28;

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
                     const std::vector<Field>& conditions)
    : count_(count) {
    for (const Field& field : conditions) labels_.push_back(field.name);
    rows_ = spread(*sources.data, sources.rows,
                   kMostNumbers / std::max<std::int64_t>(sources.data->spec().x.dimensions(), 1));
    squares_ = rows_.x.flatten(1).square().sum(1);
}

Tensor Reference::mean(const Batch& batch, const Tensor& eps, const Tensor& ratio,
                       const Condition& c, Rng rng) const {
    const at::NoGradGuard no_grad;
    const auto device = batch.x.device();
    Tensor drawn;
    if (count_ < rows_.size()) {
        const auto order = rng.permutation(rows_.size());
        drawn = at::tensor(
            at::ArrayRef<std::int64_t>(order).slice(0, static_cast<std::size_t>(count_)));
    }
    const auto of_drawn = [&](const Tensor& all) {
        return (drawn.defined() ? all.index_select(0, drawn) : all).to(device);
    };
    const Tensor known = of_drawn(rows_.x).flatten(1), own = batch.x.flatten(1);
    // log w_j less what is the same for every j: (r^2 x0 + r eps).x_j - r^2 |x_j|^2 / 2
    const Tensor r = rowwise(ratio, own);
    const Tensor pull = r * r * own + r * eps.flatten(1), half = r * r / 2;
    Tensor log_w = pull.matmul(known.t()) - half * of_drawn(squares_);
    constexpr double never = -std::numeric_limits<double>::infinity();
    if (batch.index.defined())  // the row itself counts once
        log_w = log_w.masked_fill(columns_of(batch.index) == of_drawn(rows_.index), never);
    for (const std::string& name : labels_) {
        const auto given = c.given.find(name);
        log_w = log_w.masked_fill(
            others(c.value.at(name), given == c.given.end() ? Tensor() : given->second,
                   of_drawn(rows_.c.value.at(name))),
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
