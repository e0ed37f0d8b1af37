#include "pushforward/base/json.hpp"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/src.hpp>
#include <boost/json/value_stack.hpp>
#include <charconv>
#include <cmath>
#include <set>
#include <vector>

#include "pushforward/base/errors.hpp"

namespace pushforward {
namespace {

constexpr std::size_t max_depth = 64;

/// Builds a value while it watches what Boost.JSON's own parser lets pass: a repeated key (it keeps
/// the last), and doubles that are off by one unit in the last place.
struct Builder {
    using code = json::error_code;
    using view = json::string_view;
    static constexpr std::size_t max_object_size = json::object::max_size();
    static constexpr std::size_t max_array_size = json::array::max_size();
    static constexpr std::size_t max_key_size = json::string::max_size();
    static constexpr std::size_t max_string_size = json::string::max_size();

    json::value_stack stack;
    std::vector<std::set<std::string, std::less<>>> keys;  // of each open object
    std::string part, number, problem;

    bool on_document_begin(code&) { return true; }
    bool on_document_end(code&) { return true; }
    bool on_object_begin(code&) {
        keys.emplace_back();
        return true;
    }
    bool on_object_end(std::size_t n, code&) {
        keys.pop_back();
        stack.push_object(n);
        return true;
    }
    bool on_array_begin(code&) { return true; }
    bool on_array_end(std::size_t n, code&) {
        stack.push_array(n);
        return true;
    }
    bool on_key_part(view s, std::size_t, code&) {
        part.append(s.data(), s.size());
        stack.push_chars(s);
        return true;
    }
    bool on_key(view s, std::size_t, code& error) {
        part.append(s.data(), s.size());
        stack.push_key(s);
        if (!keys.back().insert(part).second) {
            problem = "expected every key once, got \"" + part + "\" again";
            error = json::error::extra_data;
            return false;
        }
        part.clear();
        return true;
    }
    bool on_string_part(view s, std::size_t, code&) {
        stack.push_chars(s);
        return true;
    }
    bool on_string(view s, std::size_t, code&) {
        stack.push_string(s);
        return true;
    }
    bool on_number_part(view s, code&) {
        number.append(s.data(), s.size());
        return true;
    }
    bool on_int64(std::int64_t value, view, code&) {
        number.clear();
        stack.push_int64(value);
        return true;
    }
    bool on_uint64(std::uint64_t value, view, code&) {
        number.clear();
        stack.push_uint64(value);
        return true;
    }
    bool on_double(double value, view s, code& error) {
        number.append(s.data(), s.size());
        std::from_chars(number.data(), number.data() + number.size(), value);
        if (std::isinf(value)) {
            problem = "expected a number within the range of doubles, got " + number;
            error = json::error::exponent_overflow;
            return false;
        }
        number.clear();
        stack.push_double(value);
        return true;
    }
    bool on_bool(bool value, code&) {
        stack.push_bool(value);
        return true;
    }
    bool on_null(code&) {
        stack.push_null();
        return true;
    }
    bool on_comment_part(view, code&) { return true; }
    bool on_comment(view, code&) { return true; }
};

void write(std::string& out, const json::value& value, bool indented, std::size_t depth) {
    const auto line = [&](std::size_t levels) {
        if (indented) out.append("\n").append(2 * levels, ' ');
    };
    const auto list = [&](char open, char close, const auto& items, const auto& item) {
        out += open;
        bool first = true;
        for (const auto& i : items) {
            if (!first) out += ',';
            first = false;
            line(depth + 1);
            item(i);
        }
        if (!first) line(depth);
        out += close;
    };
    if (value.is_object()) {
        list('{', '}', value.get_object(), [&](const json::key_value_pair& pair) {
            out += json::serialize(pair.key());
            out += indented ? ": " : ":";
            write(out, pair.value(), indented, depth + 1);
        });
    } else if (value.is_array()) {
        list('[', ']', value.get_array(),
             [&](const json::value& item) { write(out, item, indented, depth + 1); });
    } else if (value.is_double()) {
        const double number = value.get_double();
        out += std::isfinite(number) ? number_text(number) : "null";
    } else {
        out += json::serialize(value);
    }
}

}  // namespace

json::value parse_json(std::string_view text, const std::string& name) {
    json::parse_options options;
    options.max_depth = max_depth;
    json::basic_parser<Builder> parser(options);
    json::error_code error;
    const std::size_t used = parser.write_some(false, text.data(), text.size(), error);
    if (!error && used < text.size()) error = json::error::extra_data;
    if (error) {
        const std::string_view before = text.substr(0, std::min(used, text.size()));
        const auto line = 1 + std::count(before.begin(), before.end(), '\n');
        const auto column = before.size() - (before.rfind('\n') + 1) + 1;
        std::string problem = parser.handler().problem;
        if (problem.empty()) problem = "expected JSON, got: " + error.message();
        throw DataError(name, pushforward::text("line ", line, ", column ", column), problem);
    }
    return parser.handler().stack.release();
}

std::string to_json(const json::value& value) {
    std::string out;
    write(out, value, false, 0);
    return out;
}

std::string to_json_indented(const json::value& value) {
    std::string out;
    write(out, value, true, 0);
    return out + '\n';
}

std::string number_text(double value) {
    if (std::isnan(value)) return "nan";
    if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
    // Plain digits where a person writes them so, else an exponent.
    const double size = std::abs(value);
    const bool plain = size == 0 || (size >= 1e-5 && size < 1e16);
    char digits[64];
    const auto end = std::to_chars(digits, digits + sizeof digits, value,
                                   plain ? std::chars_format::fixed : std::chars_format::scientific)
                         .ptr;
    std::string out(digits, end);
    if (plain && out.find('.') == std::string::npos) out += ".0";
    return out;
}

}  // namespace pushforward
