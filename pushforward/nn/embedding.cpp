#include "pushforward/nn/embedding.hpp"

#include "pushforward/base/errors.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/full.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/where.h>
#include <torch/nn/module.h>

#include <cmath>

namespace pushforward {

Tensor sinusoidal(const Tensor& t, std::int64_t width) {
    const auto type = t.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
    const std::int64_t half = width / 2;
    const Tensor i = at::arange(half, at::TensorOptions().dtype(type).device(t.device()));
    const Tensor frequency = at::exp(i * -std::log(10000.0) / static_cast<double>(half));
    const Tensor angle = t.to(type).unsqueeze(1) * frequency;
    return at::cat({angle.cos(), angle.sin()}, 1);
}

TimeEmbedding::TimeEmbedding(torch::nn::Module& parent, const std::string& name,
                             std::int64_t width_, std::int64_t out)
    : width(width_) {
    torch::nn::Module& own = submodule(parent, name);
    linear_1 = Linear(own, "linear_1", width, out);
    linear_2 = Linear(own, "linear_2", out, out);
}

Tensor TimeEmbedding::operator()(const Tensor& t, at::ScalarType dtype) const {
    // Float32 angles (float64 for float64): a bfloat16 step number would be off by several steps.
    const auto angles = dtype == at::kDouble ? at::kDouble : at::kFloat;
    return linear_2(at::silu(linear_1(sinusoidal(t.to(angles), width).to(dtype))));
}

ConditionEmbedding::ConditionEmbedding(torch::nn::Module& parent, const std::string& name,
                                       const std::vector<Field>& fields, std::int64_t width) {
    for (const Field& field : fields) {
        // Numbered: a field's own name may hold a dot, which a parameter's may not.
        const std::string number = std::to_string(parts_.size());
        torch::nn::Module& own = submodule(parent, name);
        Part part{field, {}, {}};
        if (field.space.kind == Kind::symbol) {
            PF_CHECK(
                field.space.event.empty() && field.space.symbols > 0,
                text("condition '", field.name, "'"), "one class label a row",
                text(field.space.event.size(), " dimensions of ", field.space.symbols, " symbols"));
            part.table =
                Weight(submodule(own, number)
                           .register_parameter(
                               "weight", at::empty({field.space.symbols + 1, width}).normal_()));
        } else {
            PF_CHECK(field.space.event.size() <= 1, text("condition '", field.name, "'"),
                     "a number or a vector a row", text(field.space.event.size(), " dimensions"));
            part.linear = Linear(own, number, field.space.dimensions(), width);
        }
        parts_.push_back(std::move(part));
    }
}

Tensor ConditionEmbedding::operator()(Tensor embedding, const Condition& c) const {
    const auto dtype = embedding.scalar_type();
    for (const Part& part : parts_) {
        const auto value = c.value.find(part.field.name);
        const auto given = c.given.find(part.field.name);
        const bool none = value == c.value.end(), all = given == c.given.end();
        if (part.table.parameter().defined()) {
            const std::int64_t nothing = part.field.space.symbols;
            const Tensor label =
                none  ? at::full({embedding.size(0)}, nothing, embedding.options().dtype(at::kLong))
                : all ? value->second
                      : at::where(given->second, value->second, nothing);
            embedding = embedding + at::embedding(part.table.in(dtype), label);
        } else if (!none) {
            const Tensor term =
                part.linear(value->second.to(dtype).reshape({value->second.size(0), -1}));
            embedding = embedding + (all ? term : term * given->second.to(dtype).unsqueeze(1));
        }
    }
    return embedding;
}

}  // namespace pushforward
