#include "pushforward/base/toml.hpp"

#include "pushforward/base/errors.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace pushforward {
namespace {

Node convert(const toml::node& in, const std::string& file) {
    Node out;
    out.place = text(file, ":", in.source().begin.line);
    if (const auto* b = in.as_boolean()) {
        out.value = b->get();
    } else if (const auto* i = in.as_integer()) {
        out.value = std::int64_t{i->get()};
    } else if (const auto* f = in.as_floating_point()) {
        out.value = f->get();
    } else if (const auto* s = in.as_string()) {
        out.value = s->get();
    } else if (const auto* a = in.as_array()) {
        Node::List list;
        for (const auto& e : *a) list.push_back(convert(e, file));
        out.value = std::move(list);
    } else if (const auto* t = in.as_table()) {
        Node::Table table;
        for (const auto& [key, e] : *t) table.push_back({std::string(key.str()), convert(e, file)});
        // toml++ keeps keys sorted; the order written is the order of lines.
        auto line = [&](const Node::Entry& e) { return t->get(e.key)->source().begin; };
        std::stable_sort(table.begin(), table.end(), [&](const auto& x, const auto& y) {
            const auto a1 = line(x), b1 = line(y);
            return a1.line != b1.line ? a1.line < b1.line : a1.column < b1.column;
        });
        out.value = std::move(table);
    } else {
        throw UsageError(out.place + ": dates and times are not used in recipes");
    }
    return out;
}

}  // namespace

const Node* Node::find(std::string_view key) const {
    if (const auto* table = std::get_if<Table>(&value))
        for (const auto& e : *table)
            if (e.key == key) return &e.node;
    return nullptr;
}

const char* Node::type_name() const {
    constexpr std::array names{"nothing", "true or false", "an integer", "a number",
                               "text",    "a list",        "a table"};
    return names[value.index()];
}

Node parse_toml(std::string_view content, const std::string& file) {
    try {
        Node root = convert(toml::parse(content, file), file);
        root.place = file;
        return root;
    } catch (const toml::parse_error& e) {
        throw UsageError(text(file, ":", e.source().begin.line, ":", e.source().begin.column, ": ",
                              e.description()));
    }
}

Node text_node(const std::string& value, const std::string& place) {
    Node node;
    try {
        const Node parsed = parse_toml("v = " + value, place);
        const auto& table = std::get<Node::Table>(parsed.value);
        if (table.size() == 1) node = table.front().node;
    } catch (const UsageError&) {
    }
    if (std::holds_alternative<std::monostate>(node.value)) node.value = value;
    node.place = place;
    node.raw = value;
    return node;
}

void set_value(Node& root, const std::string& assignment) {
    const auto equals = assignment.find('=');
    if (equals == std::string::npos || equals == 0)
        throw UsageError("--set " + assignment + ": expected key.path=value");
    const std::string path = assignment.substr(0, equals);
    Node* at = &root;
    std::size_t from = 0;
    while (true) {
        const auto dot = path.find('.', from);
        const std::string key = path.substr(from, dot == std::string::npos ? dot : dot - from);
        if (key.empty()) throw UsageError("--set " + assignment + ": an empty key");
        if (!at->is_table()) at->value = Node::Table{};
        auto& table = std::get<Node::Table>(at->value);
        auto found = std::find_if(table.begin(), table.end(),
                                  [&](const Node::Entry& e) { return e.key == key; });
        if (found == table.end()) {
            table.push_back({key, Node{{}, "--set " + path}});
            found = table.end() - 1;
        }
        at = &found->node;
        if (dot == std::string::npos) break;
        from = dot + 1;
    }
    *at = text_node(assignment.substr(equals + 1), "--set " + path);
}

std::string toml_text(const std::string& value) {
    std::string out = "\"";
    for (const char ch : value) {
        const auto c = static_cast<unsigned char>(ch);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += ch;
        } else if (c == '\n') {
            out += "\\n";
        } else if (c == '\t') {
            out += "\\t";
        } else if (c < 0x20 || c == 0x7F) {
            constexpr char hex[] = "0123456789ABCDEF";
            out += "\\u00";
            out += hex[c >> 4];
            out += hex[c & 15];
        } else {
            out += ch;
        }
    }
    return out + '"';
}

std::string toml_number(double value) {
    if (std::isnan(value)) return "nan";
    if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
    std::array<char, 32> buffer;
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
    std::string out(buffer.data(), end);
    if (out.find_first_of(".e") == std::string::npos) out += ".0";
    return out;
}

}  // namespace pushforward
