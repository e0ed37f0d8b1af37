#pragma once

#include "pushforward/core/model.hpp"
#include "pushforward/core/objective.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace pushforward {

/// A model to be judged: how a fresh one is made, how it is fitted, and a few items in model units
/// with their conditions. Sampling should be cheap.
struct LawSubject {
    std::function<std::unique_ptr<Model>()> make;
    std::shared_ptr<const Objective> objective;
    Batch batch;
    std::shared_ptr<const Model> teacher = nullptr;  ///< for objectives that learn from one
};

/// What every model must obey. `broken` says how the subject breaks it, "" when it doesn't.
struct Law {
    std::string name;
    std::function<std::string(const LawSubject&)> broken;
};

/// All laws; one that does not concern the subject's capabilities holds.
const std::vector<Law>& laws();

/// "NAME: what is wrong" for each broken law.
std::vector<std::string> broken_laws(const LawSubject& subject);

}  // namespace pushforward
