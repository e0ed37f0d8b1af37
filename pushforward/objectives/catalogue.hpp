#pragma once

#include "pushforward/base/fields.hpp"
#include "pushforward/core/objective.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace pushforward {

/// One objective of the catalogue: how it is called, what it minimises, and how it is made.
struct ObjectiveEntry {
    std::string name, summary, paper;
    std::function<std::unique_ptr<Options>()> options;  ///< the recipe's [objective]
    std::function<std::unique_ptr<Objective>(const Options& options)> make;
};

/// Every objective: THE list (objectives/catalogue.cpp), one line an objective.
const std::vector<ObjectiveEntry>& objective_catalogue();
/// The entry of that name; UsageError with the nearest name when there is none.
const ObjectiveEntry& objective_entry(const std::string& name);

}  // namespace pushforward
