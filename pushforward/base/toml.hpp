#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pushforward {

/// One TOML value and the place that it came from ("recipe.toml:12", "--set train.steps").
struct Node {
    struct Entry;
    using List = std::vector<Node>;
    using Table = std::vector<Entry>;  ///< in the order written

    std::variant<std::monostate, bool, std::int64_t, double, std::string, List, Table> value;
    std::string place;
    std::string raw = {};  ///< the text itself where it was typed without quotes on a command line

    bool is_table() const { return std::holds_alternative<Table>(value); }
    /// The entry of that name in a table, null when there is none.
    const Node* find(std::string_view key) const;
    /// "an integer", "text", "a table", ... for messages.
    const char* type_name() const;
};

struct Node::Entry {
    std::string key;
    Node node;
};

/// Parses TOML 1.0. UsageError names `file`, the line and the column.
Node parse_toml(std::string_view text, const std::string& file);

/// Puts `key.path=value` over what `root` holds; a value that is not TOML is taken as text.
void set_value(Node& root, const std::string& assignment);

/// A value of a command line: TOML where it parses, else text.
Node text_node(const std::string& value, const std::string& place);

/// A TOML basic string with its quotes and escapes; a float that reads back as the same double.
std::string toml_text(const std::string& value);
std::string toml_number(double value);

}  // namespace pushforward
