#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace pushforward {

class Fields;

/// A plain struct of options with defaults that work, named once each in `visit`.
class Options {
public:
    virtual ~Options() = default;
    virtual void visit(Fields& fields) = 0;
};

/// What is said of one field beside its name and value: one line of doc, unit, range.
struct About {
    std::string doc;
    std::string unit = {};
    double low = -std::numeric_limits<double>::infinity();
    double high = std::numeric_limits<double>::infinity();
    bool open_low = false;  ///< the range excludes `low`
};

/// One of several named groups of options; the table's key `name` says which.
struct Variant {
    struct Alternative {
        std::string name, doc;
        std::function<std::unique_ptr<Options>()> make;
    };

    std::string name;
    std::unique_ptr<Options> options;
    std::vector<Alternative> alternatives;

    Variant() = default;
    /// The first alternative is the default.
    explicit Variant(std::vector<Alternative> all) : alternatives(std::move(all)) {
        select(alternatives.front().name);
    }
    /// Takes the named alternative with its defaults; false when there is none of that name.
    bool select(const std::string& wanted) {
        for (const auto& a : alternatives)
            if (a.name == wanted) {
                name = wanted;
                options = a.make();
                return true;
            }
        return false;
    }
    template <class T>
    const T* as() const {
        return dynamic_cast<const T*>(options.get());
    }
};

/// The visitor that reads, writes or describes options: TOML, `--set`, `--help` and the
/// documentation all come from one `Options::visit`. See base/recipe_text.hpp for the visitors.
class Fields {
public:
    using Integers = std::vector<std::int64_t>;
    using Numbers = std::vector<double>;
    using Texts = std::vector<std::string>;

    virtual ~Fields() = default;

    virtual void flag(const std::string& name, bool& value, const About& about) = 0;
    virtual void integer(const std::string& name, std::int64_t& value, const About& about) = 0;
    virtual void number(const std::string& name, double& value, const About& about) = 0;
    virtual void text(const std::string& name, std::string& value, const About& about) = 0;
    virtual void integers(const std::string& name, Integers& value, const About& about) = 0;
    virtual void numbers(const std::string& name, Numbers& value, const About& about) = 0;
    virtual void texts(const std::string& name, Texts& value, const About& about) = 0;
    /// `value` is one of `choices`.
    virtual void choice(const std::string& name, std::string& value, const Texts& choices,
                        const About& about) = 0;
    virtual void group(const std::string& name, Options& value, const About& about) = 0;
    virtual void variant(const std::string& name, Variant& value, const About& about) = 0;

    /// An enumeration by its names: `choice(f, "sampler", sampler, {{"ddim", Solver::ddim}, ...})`.
    template <class E>
    void choice_of(const std::string& name, E& value,
                   const std::vector<std::pair<std::string, E>>& all, const About& about) {
        Texts names;
        std::string current;
        for (const auto& [label, e] : all) {
            names.push_back(label);
            if (e == value) current = label;
        }
        choice(name, current, names, about);
        for (const auto& [label, e] : all)
            if (label == current) value = e;
    }
};

}  // namespace pushforward
