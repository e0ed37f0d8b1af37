#pragma once

#include "pushforward/base/fields.hpp"
#include "pushforward/core/simulator.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace pushforward {

/// One simulator: `sim:NAME?option=value&...`.
struct SimulatorEntry {
    std::string name, doc;
    std::int64_t items = 0;  ///< how many make a data set unless `n` says otherwise
    std::function<std::unique_ptr<Options>()> options;
    std::function<std::unique_ptr<Simulator>(const Options&)> make;
};

/// THE list: one entry a simulator.
const std::vector<SimulatorEntry>& simulators();

/// The entry of that name; UsageError naming the nearest one when there is none.
const SimulatorEntry& find_simulator(const std::string& name);

/// The named simulator with options given as text, e.g. {{"modes", "8"}}. An unknown key or an
/// impossible value is a UsageError that names the nearest key or the range.
std::unique_ptr<Simulator> make_simulator(
    const std::string& name, const std::vector<std::pair<std::string, std::string>>& values = {});

}  // namespace pushforward
