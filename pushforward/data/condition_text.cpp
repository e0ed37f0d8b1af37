#include "pushforward/data/condition_text.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/base/recipe_text.hpp"

#include <torch/types.h>

#include <algorithm>
#include <charconv>

namespace pushforward {
namespace {

template <class T>
bool parse_number(const std::string& text, T& value) {
    const auto* end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, value);
    return error == std::errc{} && at == end;
}

Tensor label_rows(const Field& field, const std::string& value, std::int64_t n) {
    const std::int64_t classes = field.space.symbols;
    if (value == "each") return torch::arange(n, torch::kLong).remainder(classes);
    const auto label = class_of(field, value);
    if (!label) {
        const bool few = !field.names.empty() && field.names.size() <= 40;
        throw UsageError(text("--condition ", field.name, "=", value,
                              ": expected a class from 0 to ", classes - 1,
                              few ? ", " + one_of(field.names) : "", ", or each"));
    }
    return torch::full({n}, *label, torch::kLong);
}

Tensor number_rows(const Field& field, const std::string& value, std::int64_t n) {
    std::vector<float> numbers;
    for (std::size_t from = 0; from <= value.size();) {
        const auto comma = std::min(value.find(',', from), value.size());
        float v;
        if (!parse_number(value.substr(from, comma - from), v))
            throw UsageError("--condition " + field.name + "=" + value +
                             ": expected numbers separated by commas");
        numbers.push_back(v);
        from = comma + 1;
    }
    const std::int64_t want = field.space.dimensions();
    PF_CHECK(static_cast<std::int64_t>(numbers.size()) == want, "--condition " + field.name,
             text(want, " numbers"), numbers.size());
    std::vector<std::int64_t> shape = field.space.event;
    shape.insert(shape.begin(), 1);
    std::vector<std::int64_t> expanded = shape;
    expanded[0] = n;
    return torch::tensor(numbers).reshape(shape).expand(expanded).contiguous();
}

}  // namespace

std::optional<std::int64_t> class_of(const Field& label, const std::string& value) {
    const auto named = std::find(label.names.begin(), label.names.end(), value);
    if (named != label.names.end()) return named - label.names.begin();
    std::int64_t number = 0;
    if (!parse_number(value, number) || number < 0 || number >= label.space.symbols) return {};
    return number;
}

Condition condition_rows(const std::vector<std::string>& texts, const DataSpec& spec,
                         std::int64_t n) {
    Condition c;
    std::vector<std::string> names;
    for (const Field& f : spec.conditions) names.push_back(f.name);
    for (const auto& t : texts) {
        const auto equals = t.find('=');
        if (equals == std::string::npos)
            throw UsageError("--condition " + t + ": expected NAME=VALUE");
        const std::string name = t.substr(0, equals), value = t.substr(equals + 1);
        const Field* field = spec.condition(name);
        if (!field)
            throw UsageError("--condition " + t + ": " +
                             (names.empty() ? "this model has no conditions"
                                            : "expected one of " + one_of(names)) +
                             nearest_hint(name, names));
        c.value[name] = field->space.kind == Kind::symbol ? label_rows(*field, value, n)
                                                          : number_rows(*field, value, n);
    }
    return c;
}

}  // namespace pushforward
