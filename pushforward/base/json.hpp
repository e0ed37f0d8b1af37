#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_from.hpp>
#include <string>
#include <string_view>

namespace pushforward {

namespace json = boost::json;  // objects keep the order in which keys were inserted

/// Parses one JSON text strictly (RFC 8259): DataError with line and column on anything else, on a
/// key given twice in one object, and on nesting deeper than 64. Integers that fit stay integers.
json::value parse_json(std::string_view text, const std::string& name);

/// One line without spaces to spare, numbers as number_text writes them; NaN and infinities (which
/// JSON does not have) become null.
std::string to_json(const json::value& value);

/// The same over several lines, indented by two spaces, with a final newline.
std::string to_json_indented(const json::value& value);

/// The shortest text that reads back as the same double: 0.1, 3.0, 1e-07, 1.5e+20; "nan", "inf".
std::string number_text(double value);

}  // namespace pushforward
