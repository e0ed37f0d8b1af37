#pragma once

#include "pushforward/core/batch.hpp"
#include "pushforward/core/space.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pushforward {

/// The class that a text names, by its name or its number; nothing where there is no such class.
std::optional<std::int64_t> class_of(const Field& label, const std::string& value);

/// n rows of conditions from texts like "label=3", "label=NAME", "label=each" (row i has class
/// i mod K) and "COLUMN=1.5"; in the data's own units. A field that no text names is not given.
/// UsageError names the text, what it lacks, and what there is.
Condition condition_rows(const std::vector<std::string>& texts, const DataSpec& spec,
                         std::int64_t n);

}  // namespace pushforward
