#pragma once

#include "pushforward/base/fields.hpp"
#include "pushforward/base/toml.hpp"

#include <string>
#include <utility>
#include <vector>

namespace pushforward {

/// Sets `options` from a table: every wrong type, impossible value and unknown key (with the
/// nearest known one) is added to `problems`, each with its place; nothing is thrown.
void read_options(Options& options, const Node& table, std::vector<std::string>& problems);

/// The same, throwing one UsageError that lists all problems.
void read_options(Options& options, const Node& table);

/// Sets `options` from `key=value` texts, as in "sim:ring?modes=8"; `who` begins every message.
void apply_text_values(Options& options,
                       const std::vector<std::pair<std::string, std::string>>& values,
                       const std::string& who);

/// TOML that `read_options` reads back to the same options; with each field's doc as a comment
/// when `comments`.
std::string write_options(Options& options, bool comments = false);

/// One field as documentation shows it. A variant's alternatives follow it, each with a path like
/// "network[unet].channels".
struct Described {
    std::string path, type, value, doc, unit, range;
};
std::vector<Described> describe_options(Options& options);

/// The candidate of the smallest edit distance (Levenshtein 1966), "" when none is near.
std::string nearest(const std::string& name, const std::vector<std::string>& candidates);
/// ` (nearest: NAME)` or "".
std::string nearest_hint(const std::string& name, const std::vector<std::string>& candidates);
/// "a, b or c".
std::string one_of(const std::vector<std::string>& names);

}  // namespace pushforward
