#pragma once

#include "pushforward/base/file.hpp"
#include "pushforward/data/description.hpp"

namespace pushforward {

/// The text of a run folder's data.json.
std::string description_json(const DataDescription& description);

/// Reads it back; DataError names the file and the key that is missing or wrong.
DataDescription read_description(const Blob& file);

}  // namespace pushforward
