#include "pushforward/objectives/parts.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/logical_and.h>
#include <torch/nn/module.h>

#include <utility>

namespace pushforward {

ParameterGroup all_parameters(Model& model) {
    ParameterGroup group;
    for (const auto& p : model.module().named_parameters())
        group.parameters.emplace_back(p.key(), p.value());
    return group;
}

std::vector<Player> one_player(Model& model, std::function<Loss(const Batch&, const Step&)> loss) {
    Player player;
    player.name = "model";
    player.groups = {all_parameters(model)};
    player.loss = std::move(loss);
    return {player};
}

Tensor mean_over(const Batch& batch, const Tensor& rows) {
    if (!batch.weight.defined()) return rows.mean();
    return (rows * batch.weight).sum() / batch.weight.sum();
}

Condition hide_rows(const Condition& c, std::int64_t rows, double p, Rng& rng) {
    if (p == 0 || c.empty()) return c;
    Condition hidden = c;
    for (const auto& [name, value] : c.value) {
        const Tensor kept = rng.uniform({rows}, at::kFloat, value.device()) >= p;
        const auto given = c.given.find(name);
        hidden.given[name] = given == c.given.end() ? kept : at::logical_and(given->second, kept);
    }
    return hidden;
}

}  // namespace pushforward
