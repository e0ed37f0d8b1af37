#include "pushforward/data/description_json.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/base/json.hpp"

namespace pushforward {
namespace {

const char* name_of(Kind kind) {
    return kind == Kind::real ? "real" : kind == Kind::count ? "count" : "symbol";
}

json::object to_object(const Space& space) {
    return {{"kind", name_of(space.kind)},
            {"event", json::value_from(space.event)},
            {"symbols", space.symbols},
            {"end", space.end}};
}

json::object to_object(const Affine& affine) {
    return {{"shift", json::value_from(affine.shift)}, {"scale", json::value_from(affine.scale)}};
}

/// A JSON value and the path to it, for messages.
struct Place {
    const json::value& value;
    const std::string& file;
    std::string path;

    [[noreturn]] void refuse(const std::string& expected) const {
        throw DataError(file, path, "expected " + expected);
    }
    Place operator[](const char* key) const {
        const auto* object = value.if_object();
        if (!object) refuse("an object");
        const auto* found = object->if_contains(key);
        const std::string inner = path.empty() ? key : path + "." + key;
        if (!found) throw DataError(file, inner, "is missing");
        return {*found, file, inner};
    }
    template <class F>
    void each(F f) const {
        const auto* list = value.if_array();
        if (!list) refuse("an array");
        for (std::size_t i = 0; i < list->size(); ++i)
            f(Place{(*list)[i], file, path + "[" + std::to_string(i) + "]"});
    }
    std::string text() const {
        if (!value.is_string()) refuse("text");
        return std::string(value.get_string());
    }
    std::int64_t integer() const {
        if (!value.is_int64()) refuse("an integer");
        return value.get_int64();
    }
    double number() const {
        if (value.is_int64()) return static_cast<double>(value.get_int64());
        if (!value.is_double()) refuse("a number");
        return value.get_double();
    }
    template <class T, class F>
    std::vector<T> list(F f) const {
        std::vector<T> out;
        each([&](const Place& p) { out.push_back(f(p)); });
        return out;
    }
    std::vector<std::string> texts() const {
        return list<std::string>([](const Place& p) { return p.text(); });
    }
    std::vector<std::int64_t> integers() const {
        return list<std::int64_t>([](const Place& p) { return p.integer(); });
    }
    std::vector<double> numbers() const {
        return list<double>([](const Place& p) { return p.number(); });
    }
};

Space to_space(const Place& p) {
    Space space;
    const std::string kind = p["kind"].text();
    if (kind == "symbol")
        space.kind = Kind::symbol;
    else if (kind == "count")
        space.kind = Kind::count;
    else if (kind != "real")
        p["kind"].refuse("real, count or symbol");
    space.event = p["event"].integers();
    space.symbols = p["symbols"].integer();
    if (p.value.get_object().contains("end")) space.end = p["end"].integer();
    return space;
}

Affine to_affine(const Place& p) {
    Affine affine{p["shift"].numbers(), p["scale"].numbers()};
    if (affine.shift.empty() || affine.shift.size() != affine.scale.size())
        p.refuse("as many shifts as scales");
    return affine;
}

}  // namespace

std::string description_json(const DataDescription& d) {
    json::array conditions;
    for (const Field& f : d.spec.conditions)
        conditions.push_back({{"name", f.name},
                              {"space", to_object(f.space)},
                              {"names", json::value_from(f.names)}});
    json::object scaled;
    for (const auto& [name, affine] : d.scaling.conditions()) scaled[name] = to_object(affine);
    json::object out{{"source", d.source},
                     {"kind", d.kind},
                     {"space", to_object(d.spec.x)},
                     {"conditions", conditions},
                     {"columns", json::value_from(d.columns)},
                     {"scaling", {{"x", to_object(d.scaling.x())}, {"conditions", scaled}}},
                     {"split", d.split},
                     {"rows", {{"train", d.train}, {"validation", d.validation}, {"test", d.test}}},
                     {"fingerprint", d.fingerprint}};
    if (d.rate > 0) out["rate"] = d.rate;
    if (d.vocabulary) out["vocabulary"] = d.vocabulary->to_json();
    return to_json_indented(out);
}

DataDescription read_description(const Blob& file) {
    const json::value root = parse_json(file.text(), file.name);
    const Place p{root, file.name, ""};
    DataDescription d;
    d.source = p["source"].text();
    d.kind = p["kind"].text();
    d.spec.x = to_space(p["space"]);
    p["conditions"].each([&](const Place& c) {
        d.spec.conditions.push_back({c["name"].text(), to_space(c["space"]), c["names"].texts()});
    });
    d.columns = p["columns"].texts();
    std::map<std::string, Affine> scaled;
    const Place by_name = p["scaling"]["conditions"];
    if (!by_name.value.is_object()) by_name.refuse("an object");
    for (const auto& entry : by_name.value.get_object())
        scaled[std::string(entry.key())] = to_affine(by_name[std::string(entry.key()).c_str()]);
    d.scaling = Scaling(to_affine(p["scaling"]["x"]), std::move(scaled));
    d.split = p["split"].text();
    d.train = p["rows"]["train"].integer();
    d.validation = p["rows"]["validation"].integer();
    d.test = p["rows"]["test"].integer();
    d.fingerprint = p["fingerprint"].text();
    if (root.get_object().contains("rate")) d.rate = p["rate"].integer();
    if (const auto* found = root.get_object().if_contains("vocabulary"))
        d.vocabulary = read_vocabulary(*found, file.name, "vocabulary");
    return d;
}

}  // namespace pushforward
