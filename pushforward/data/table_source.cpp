#include "pushforward/base/errors.hpp"
#include "pushforward/base/recipe_text.hpp"
#include "pushforward/data/sources.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace pushforward {
namespace {

std::string cell_place(const Table& table, const Column& column, std::int64_t row) {
    return text("line ", table.lines[static_cast<std::size_t>(row)], ", column ", column.name);
}

/// A condition with classes: the distinct values in ascending order.
Field classes_of(const std::string& file, const Column& column, const std::string& name,
                 const std::vector<std::int64_t>& rows, const Table& table, Tensor& number) {
    const auto n = static_cast<std::int64_t>(rows.size());
    number = torch::empty({n}, torch::kLong);
    auto* out = number.data_ptr<std::int64_t>();
    Field field{name, {Kind::symbol, {}, 0}, {}};
    const auto number_them = [&](const auto& values, auto label) {
        std::set sorted(values.begin(), values.end());
        const std::vector all(sorted.begin(), sorted.end());
        for (const auto& value : all) field.names.push_back(label(value));
        for (std::size_t i = 0; i < values.size(); ++i)
            out[i] = std::lower_bound(all.begin(), all.end(), values[i]) - all.begin();
    };
    if (column.numeric) {
        std::vector<double> values;
        for (auto row : rows) {
            values.push_back(column.numbers[static_cast<std::size_t>(row)]);
            if (values.back() != std::floor(values.back()))
                throw DataError(file, cell_place(table, column, row),
                                text("expected a whole number as a class, got ", values.back(),
                                     " (context=", column.name, " takes real conditions)"));
        }
        number_them(values, [](double v) { return text(static_cast<std::int64_t>(v)); });
    } else {
        std::vector<std::string> values;
        for (auto row : rows) values.push_back(column.texts[static_cast<std::size_t>(row)]);
        number_them(values, [](const std::string& v) { return v; });
    }
    field.space.symbols = static_cast<std::int64_t>(field.names.size());
    return field;
}

}  // namespace

std::shared_ptr<const Source> table_source(const std::string& file, const Table& table,
                                           const FileOptions& options) {
    std::vector<std::string> all;
    for (const auto& c : table.columns) all.push_back(c.name);
    const auto column = [&](const std::string& name, const char* key) -> const Column& {
        if (const auto* found = table.find(name)) return *found;
        throw UsageError(text(file, ": ", key, "=", name, ": no such column",
                              nearest_hint(name, all), "; there are ", one_of(all)));
    };
    std::set<std::string> taken;
    for (const auto& name : options.drop) taken.insert(column(name, "drop").name);
    std::vector<const Column*> conditions, used, x;
    if (!options.label.empty()) conditions.push_back(&column(options.label, "label"));
    for (const auto& name : options.context) conditions.push_back(&column(name, "context"));
    for (const auto* c : conditions) taken.insert(c->name);
    for (const auto& c : table.columns)
        if (!taken.count(c.name)) x.push_back(&c);
    if (x.empty())
        throw UsageError(text(file, ": expected at least one column to model, got none"));
    for (const auto* c : x)
        if (!c->numeric)
            throw DataError(
                file, text("line ", c->first_text->line, ", column ", c->name),
                text("expected a number, got '", c->first_text->text, "' (drop=", c->name,
                     " leaves the column out, label=", c->name, " makes it the class)"));
    used = conditions;
    used.insert(used.end(), x.begin(), x.end());

    // rows with a missing or non-finite value in a used column
    std::map<std::int64_t, std::pair<const Column*, const char*>> bad;
    for (const auto* c : used) {
        for (const auto row : c->missing) bad.try_emplace(row, c, "nothing");
        for (const auto row : c->nonfinite) bad.try_emplace(row, c, "nan or inf");
    }
    if (!bad.empty() && options.missing == "refuse") {
        const auto& [row, what] = *bad.begin();
        throw DataError(file, cell_place(table, *what.first, row),
                        text("expected a finite number, got ", what.second,
                             " (missing=drop leaves such rows out)"));
    }
    std::vector<std::int64_t> rows;
    for (std::int64_t row = 0; row < table.rows; ++row)
        if (!bad.count(row)) rows.push_back(row);
    if (rows.empty()) throw DataError(file, "", "expected at least one complete row, got none");

    TensorParts parts;
    parts.name = file;
    const auto n = static_cast<std::int64_t>(rows.size()), d = static_cast<std::int64_t>(x.size());
    parts.kind = text("table, ", table.rows, " rows x ", table.columns.size(), " columns");
    parts.space = {Kind::real, {d}};
    parts.values = torch::empty({n, d});
    auto* out = parts.values.data_ptr<float>();
    for (const auto row : rows)
        for (const auto* c : x)
            *out++ = static_cast<float>(c->numbers[static_cast<std::size_t>(row)]);
    for (const auto* c : x) parts.columns.push_back(c->name);
    for (const auto* c : conditions) {
        const bool label = c == conditions.front() && !options.label.empty();
        Tensor value;
        if (label || !c->numeric) {
            parts.fields.push_back(
                classes_of(file, *c, label ? "label" : c->name, rows, table, value));
        } else {
            value = torch::empty({n});
            for (std::int64_t i = 0; i < n; ++i)
                value.data_ptr<float>()[i] = static_cast<float>(
                    c->numbers[static_cast<std::size_t>(rows[static_cast<std::size_t>(i)])]);
            parts.fields.push_back({c->name, {Kind::real, {}}, {}});
        }
        parts.given.push_back(value);
    }
    if (!bad.empty()) parts.notes.push_back(text(bad.size(), " rows with missing values left out"));
    return tensor_source(std::move(parts));
}

}  // namespace pushforward
