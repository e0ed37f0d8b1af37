#include "pushforward/base/recipe_text.hpp"

#include "pushforward/base/errors.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <sstream>

namespace pushforward {
namespace {

std::string range_text(const About& about) {
    const bool low = std::isfinite(about.low), high = std::isfinite(about.high);
    auto number = [](double v) {
        return v == std::floor(v) && std::abs(v) < 1e15 ? text(static_cast<std::int64_t>(v))
                                                        : toml_number(v);
    };
    if (low && high)
        return (about.open_low ? "above " : "from ") + number(about.low) + " to " +
               number(about.high);
    if (low) return (about.open_low ? "above " : "at least ") + number(about.low);
    if (high) return "at most " + number(about.high);
    return "";
}

bool in_range(double v, const About& about) {
    return std::isfinite(v) && v <= about.high && (about.open_low ? v > about.low : v >= about.low);
}

/// Reads one table into one Options.
class Reader : public Fields {
public:
    Reader(const Node& table, std::string prefix, std::vector<std::string>& problems)
        : table_(table), prefix_(std::move(prefix)), problems_(problems) {}

    void flag(const std::string& name, bool& value, const About&) override {
        if (const Node* n = take(name)) {
            if (const auto* b = std::get_if<bool>(&n->value))
                value = *b;
            else
                wrong(*n, name, "true or false");
        }
    }
    void integer(const std::string& name, std::int64_t& value, const About& about) override {
        if (const Node* n = take(name)) integer_in(*n, name, value, about);
    }
    void number(const std::string& name, double& value, const About& about) override {
        if (const Node* n = take(name)) number_in(*n, name, value, about);
    }
    void text(const std::string& name, std::string& value, const About&) override {
        if (const Node* n = take(name)) text_in(*n, name, value);
    }
    void integers(const std::string& name, Integers& value, const About& about) override {
        list(name, value, [&](const Node& n, std::int64_t& v) { integer_in(n, name, v, about); });
    }
    void numbers(const std::string& name, Numbers& value, const About& about) override {
        list(name, value, [&](const Node& n, double& v) { number_in(n, name, v, about); });
    }
    void texts(const std::string& name, Texts& value, const About&) override {
        list(name, value, [&](const Node& n, std::string& v) { text_in(n, name, v); });
    }
    void choice(const std::string& name, std::string& value, const Texts& choices,
                const About&) override {
        const Node* n = take(name);
        std::string given;
        if (!n || !text_in(*n, name, given)) return;
        if (std::find(choices.begin(), choices.end(), given) == choices.end())
            problem(*n, name,
                    "expected " + one_of(choices) + ", got " + toml_text(given) +
                        nearest_hint(given, choices));
        else
            value = given;
    }
    void group(const std::string& name, Options& value, const About&) override {
        if (const Node* n = take_table(name)) read(value, *n, name, {});
    }
    void variant(const std::string& name, Variant& value, const About&) override {
        const Node* n = take_table(name);
        if (!n) return;
        if (const Node* which = n->find("name")) {
            std::string wanted;
            Texts all;
            for (const auto& a : value.alternatives) all.push_back(a.name);
            if (!text_in(*which, name + ".name", wanted)) return;
            if (!value.select(wanted)) {
                problem(*which, name + ".name",
                        "expected " + one_of(all) + ", got " + toml_text(wanted) +
                            nearest_hint(wanted, all));
                return;
            }
        }
        read(*value.options, *n, name, {"name"});
    }

    /// After the visit: every key that no field took is unknown.
    void finish(const Texts& also_known) {
        Texts known = known_;
        known.insert(known.end(), also_known.begin(), also_known.end());
        if (!table_.is_table()) return;
        for (const auto& e : std::get<Node::Table>(table_.value))
            if (std::find(known.begin(), known.end(), e.key) == known.end())
                problem(e.node, e.key, "unknown key" + nearest_hint(e.key, known));
    }

private:
    void read(Options& options, const Node& table, const std::string& name, const Texts& known) {
        Reader inner(table, prefix_ + name + ".", problems_);
        options.visit(inner);
        inner.finish(known);
    }
    const Node* take(const std::string& name) {
        known_.push_back(name);
        return table_.find(name);
    }
    const Node* take_table(const std::string& name) {
        const Node* n = take(name);
        if (n && !n->is_table()) {
            wrong(*n, name, "a table");
            return nullptr;
        }
        return n;
    }
    void integer_in(const Node& n, const std::string& name, std::int64_t& value,
                    const About& about) {
        const auto* i = std::get_if<std::int64_t>(&n.value);
        if (!i)
            wrong(n, name, "an integer");
        else if (!in_range(static_cast<double>(*i), about))
            problem(n, name, pushforward::text("expected ", range_text(about), ", got ", *i));
        else
            value = *i;
    }
    void number_in(const Node& n, const std::string& name, double& value, const About& about) {
        const auto* i = std::get_if<std::int64_t>(&n.value);
        const auto* d = std::get_if<double>(&n.value);
        if (!i && !d) return wrong(n, name, "a number");
        const double v = i ? static_cast<double>(*i) : *d;
        if (!in_range(v, about)) {
            const std::string range = range_text(about);
            problem(n, name,
                    "expected " + (range.empty() ? "a finite number" : range) + ", got " +
                        toml_number(v));
        } else {
            value = v;
        }
    }
    bool text_in(const Node& n, const std::string& name, std::string& value) {
        if (const auto* s = std::get_if<std::string>(&n.value))
            value = *s;
        else if (!n.raw.empty())
            value = n.raw;
        else {
            wrong(n, name, "text");
            return false;
        }
        return true;
    }
    template <class T, class One>
    void list(const std::string& name, std::vector<T>& value, One one) {
        const Node* n = take(name);
        if (!n) return;
        const auto* items = std::get_if<Node::List>(&n->value);
        Node::List typed;
        if (!items && !n->raw.empty()) {  // on a command line, a,b,c is a list too
            std::istringstream parts(n->raw);
            for (std::string part; std::getline(parts, part, ',');)
                typed.push_back(text_node(part, n->place));
            items = &typed;
        }
        if (!items) return wrong(*n, name, "a list");
        std::vector<T> read;
        for (const Node& item : *items) {
            T v{};
            one(item, v);
            read.push_back(std::move(v));
        }
        value = std::move(read);
    }
    void wrong(const Node& n, const std::string& name, const std::string& expected) {
        problem(n, name, "expected " + expected + ", got " + n.type_name());
    }
    void problem(const Node& n, const std::string& name, const std::string& message) {
        problems_.push_back(n.place + ": " + prefix_ + name + ": " + message);
    }

    const Node& table_;
    std::string prefix_;
    std::vector<std::string>& problems_;
    Texts known_;
};

std::string joined(const std::vector<std::string>& parts) {
    std::string out = "[";
    for (const auto& p : parts) out += (out.size() > 1 ? ", " : "") + p;
    return out + "]";
}

/// Gives each field as TOML text to `one(name, type, value, about, choices)`; sub-tables to the
/// derived class.
class Shower : public Fields {
public:
    void flag(const std::string& name, bool& v, const About& about) override {
        one(name, "true or false", v ? "true" : "false", about);
    }
    void integer(const std::string& name, std::int64_t& v, const About& about) override {
        one(name, "integer", pushforward::text(v), about);
    }
    void number(const std::string& name, double& v, const About& about) override {
        one(name, "number", toml_number(v), about);
    }
    void text(const std::string& name, std::string& v, const About& about) override {
        one(name, "text", toml_text(v), about);
    }
    void integers(const std::string& name, Integers& v, const About& about) override {
        Texts parts;
        for (auto i : v) parts.push_back(pushforward::text(i));
        one(name, "list of integers", joined(parts), about);
    }
    void numbers(const std::string& name, Numbers& v, const About& about) override {
        Texts parts;
        for (auto d : v) parts.push_back(toml_number(d));
        one(name, "list of numbers", joined(parts), about);
    }
    void texts(const std::string& name, Texts& v, const About& about) override {
        Texts parts;
        for (const auto& s : v) parts.push_back(toml_text(s));
        one(name, "list of texts", joined(parts), about);
    }
    void choice(const std::string& name, std::string& v, const Texts& choices,
                const About& about) override {
        one(name, one_of(choices), toml_text(v), about);
    }

protected:
    virtual void one(const std::string& name, const std::string& type, const std::string& value,
                     const About& about) = 0;
};

class Writer : public Shower {
public:
    Writer(std::string path, bool comments) : path_(std::move(path)), comments_(comments) {}

    void group(const std::string& name, Options& value, const About&) override {
        section(name, value, "");
    }
    void variant(const std::string& name, Variant& value, const About&) override {
        section(name, *value.options, "name = " + toml_text(value.name) + "\n");
    }
    std::string result(const std::string& first) const {
        const std::string own = first + lines_;
        const bool heading = !path_.empty() && !(own.empty() && !sections_.empty());
        return (heading ? "[" + path_ + "]\n" + own : own) +
               (heading && !sections_.empty() ? "\n" : "") + sections_;
    }

protected:
    void one(const std::string& name, const std::string& type, const std::string& value,
             const About& about) override {
        lines_ += name + " = " + value;
        if (comments_) {
            lines_ += "  # " + about.doc;
            if (!about.unit.empty()) lines_ += " [" + about.unit + "]";
            if (type.find(" or ") != std::string::npos && type != "true or false")
                lines_ += ": " + type;
        }
        lines_ += '\n';
    }

private:
    void section(const std::string& name, Options& value, const std::string& first) {
        Writer inner(path_.empty() ? name : path_ + "." + name, comments_);
        value.visit(inner);
        const std::string text = inner.result(first);
        if (!text.empty()) sections_ += (sections_.empty() ? "" : "\n") + text;
    }
    std::string path_, lines_, sections_;
    bool comments_;
};

class Lister : public Shower {
public:
    Lister(std::string prefix, std::vector<Described>& out)
        : prefix_(std::move(prefix)), out_(out) {}

    void group(const std::string& name, Options& value, const About&) override {
        Lister inner(prefix_ + name + ".", out_);
        value.visit(inner);
    }
    void variant(const std::string& name, Variant& value, const About& about) override {
        Texts all;
        for (const auto& a : value.alternatives) all.push_back(a.name);
        one(name + ".name", one_of(all), toml_text(value.name), about);
        for (const auto& a : value.alternatives) {
            Lister inner(prefix_ + name + "[" + a.name + "].", out_);
            a.make()->visit(inner);
        }
    }

protected:
    void one(const std::string& name, const std::string& type, const std::string& value,
             const About& about) override {
        out_.push_back({prefix_ + name, type, value, about.doc, about.unit, range_text(about)});
    }

private:
    std::string prefix_;
    std::vector<Described>& out_;
};

}  // namespace

void read_options(Options& options, const Node& table, std::vector<std::string>& problems) {
    Reader reader(table, "", problems);
    options.visit(reader);
    reader.finish({});
}

void read_options(Options& options, const Node& table) {
    std::vector<std::string> problems;
    read_options(options, table, problems);
    if (problems.empty()) return;
    std::string message = problems.front();
    for (std::size_t i = 1; i < problems.size(); ++i) message += "\n" + problems[i];
    throw UsageError(message);
}

void apply_text_values(Options& options,
                       const std::vector<std::pair<std::string, std::string>>& values,
                       const std::string& who) {
    Node table{Node::Table{}, who};
    for (const auto& [key, value] : values)
        std::get<Node::Table>(table.value).push_back({key, text_node(value, who)});
    read_options(options, table);
}

std::string write_options(Options& options, bool comments) {
    Writer writer("", comments);
    options.visit(writer);
    return writer.result("");
}

std::vector<Described> describe_options(Options& options) {
    std::vector<Described> out;
    Lister lister("", out);
    options.visit(lister);
    return out;
}

std::string nearest(const std::string& name, const std::vector<std::string>& candidates) {
    std::string best;
    std::size_t best_distance = std::max<std::size_t>(2, name.size() / 2) + 1;
    for (const auto& candidate : candidates) {
        std::vector<std::size_t> row(candidate.size() + 1);
        std::iota(row.begin(), row.end(), std::size_t{0});
        for (std::size_t i = 1; i <= name.size(); ++i) {
            std::size_t diagonal = std::exchange(row[0], i);
            for (std::size_t j = 1; j <= candidate.size(); ++j) {
                const std::size_t replace = diagonal + (name[i - 1] != candidate[j - 1]);
                diagonal = row[j];
                row[j] = std::min({row[j] + 1, row[j - 1] + 1, replace});
            }
        }
        if (row.back() < best_distance) {
            best_distance = row.back();
            best = candidate;
        }
    }
    return best;
}

std::string nearest_hint(const std::string& name, const std::vector<std::string>& candidates) {
    const std::string near = nearest(name, candidates);
    return near.empty() ? "" : " (nearest: " + near + ")";
}

std::string one_of(const std::vector<std::string>& names) {
    std::string out;
    for (std::size_t i = 0; i < names.size(); ++i)
        out += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + names[i];
    return out;
}

}  // namespace pushforward
