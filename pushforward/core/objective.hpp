#pragma once

#include "pushforward/core/model.hpp"

#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace pushforward {

class Dataset;

/// What is minimised: `value` is a 0-d tensor; `terms` are named parts, read only when logged.
struct Loss {
    Tensor value;
    std::vector<std::pair<std::string, Tensor>> terms = {};
};

/// Where the training stands: a loss is a function of (weights, batch, step, seed).
struct Step {
    std::int64_t step = 0;
    Rng rng{0};  ///< this step's stream
};

struct ParameterGroup {
    std::vector<std::pair<std::string, Tensor>> parameters;
    double learning_rate_scale = 1;
    double weight_decay_scale = 1;
};

/// One side of a game; ordinary training is a game of one. Players' parameters are disjoint and
/// cover every parameter that requires a gradient; on a player's turn the others' are frozen.
struct Player {
    std::string name;
    std::vector<ParameterGroup> groups;
    std::function<Loss(const Batch&, const Step&)> loss;
    int turns = 1;            ///< updates each step
    int every = 1;            ///< plays at steps divisible by this
    bool fresh_batch = true;  ///< each turn takes a new batch
};

/// What an objective may learn from.
struct Sources {
    const Dataset* data = nullptr;            ///< in model units
    std::span<const std::int64_t> rows = {};  ///< of the data, those to train on
    const Energy* energy = nullptr;
    const Model* teacher = nullptr;
};

/// How a model is fitted. `refusal` says why it cannot be ("" when it can), before any work.
class Objective {
public:
    virtual ~Objective() = default;
    virtual std::string refusal(const Model& model, const Sources& sources) const = 0;
    virtual std::vector<Player> players(Model& model, const Sources& sources) const = 0;
    /// The run folder whose model becomes `Sources::teacher`; "" where there is none.
    virtual std::string teacher() const { return ""; }
};

}  // namespace pushforward
