#pragma once

#include "pushforward/core/objective.hpp"

#include <functional>

namespace pushforward {

// What objectives share.

/// Every parameter of the model, by name.
ParameterGroup all_parameters(Model& model);

/// A game of one: the only player, "model", holds every parameter of the model.
std::vector<Player> one_player(Model& model, std::function<Loss(const Batch&, const Step&)> loss);

/// The mean of a number a row, weighted where the batch has weights: 0-d.
Tensor mean_over(const Batch& batch, const Tensor& rows);

/// The same condition with each row of each field hidden with probability p, independently.
Condition hide_rows(const Condition& c, std::int64_t rows, double p, Rng& rng);

}  // namespace pushforward
