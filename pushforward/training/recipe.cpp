#include "pushforward/training/recipe.hpp"

#include "pushforward/base/checksum.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/file.hpp"
#include "pushforward/base/recipe_text.hpp"
#include "pushforward/data/description.hpp"
#include "pushforward/families/catalogue.hpp"
#include "pushforward/objectives/catalogue.hpp"

#include <algorithm>
#include <filesystem>
#include <sstream>

namespace pushforward {

void DataOptions::visit(Fields& f) {
    f.text("source", source, {.doc = "the data: a file, a folder or sim:NAME, with ?key=value"});
    f.number("validation", validation,
             {.doc = "share of the rows held out for validation", .low = 0, .high = 0.9});
    f.flag("conditional", conditional,
           {.doc = "whether the model is conditioned on the data's labels and context"});
    f.flag("scale", scale, {.doc = "images to [-1, 1], other data to mean 0 and deviation 1"});
    f.integer("window", window,
              {.doc = "text of documents: how much of it a training row holds",
               .unit = "symbols",
               .low = 1});
}

Preparation preparation(const DataOptions& data) {
    return {.validation = data.validation, .scale = data.scale, .window = data.window};
}

void EvalOptions::visit(Fields& f) {
    f.texts("metrics", metrics, {.doc = "names of metrics; empty: all that apply"});
    f.integer("n", n, {.doc = "samples and held-out rows to judge", .unit = "items", .low = 10});
}

void ExpectOptions::visit(Fields& f) {
    f.text("metric", metric, {.doc = "the metric that the recipe is checked for; empty: none"});
    f.number("value", value, {.doc = "what it reached, mean over seeds"});
    f.number("tolerance", tolerance, {.doc = "how far a seed may lie from it", .low = 0});
}

Recipe::Recipe() {
    std::vector<Variant::Alternative> models;
    for (const auto& entry : catalogue())
        models.push_back({entry.name, entry.summary, entry.options});
    model = Variant(std::move(models));
    follow_model();
}

void Recipe::follow_model() {
    if (followed_ == model.name) return;
    followed_ = model.name;
    const auto& entry = catalogue_entry(model.name);
    sample = entry.sample_options();
    std::vector<Variant::Alternative> objectives;
    for (const auto& name : entry.objectives) {
        const auto& o = objective_entry(name);
        objectives.push_back({o.name, o.summary, o.options});
    }
    objective = Variant(std::move(objectives));
}

void Recipe::visit(Fields& f) {
    f.group("data", data, {.doc = "what is modelled"});
    f.variant("model", model, {.doc = "the family of measures"});
    follow_model();
    f.variant("objective", objective, {.doc = "what is minimised"});
    f.group("train", train, {.doc = "how it is fitted"});
    f.group("sample", *sample, {.doc = "how samples are drawn"});
    f.group("eval", eval, {.doc = "how it is judged"});
    f.group("expect", expect, {.doc = "what it reached"});
}

Recipe parse_recipe(const std::string& content, const std::string& file,
                    const std::vector<std::string>& sets) {
    Node root = parse_toml(content, file);
    for (const auto& assignment : sets) set_value(root, assignment);
    Recipe recipe;
    std::vector<std::string> problems;
    read_options(recipe, root, problems);
    if (recipe.data.source.empty() && problems.empty())
        problems.push_back(file + ": data.source: expected a data SPEC, got nothing");
    const std::string own_units = catalogue_entry(recipe.model.name).own_units;
    if (recipe.data.scale && !own_units.empty() && problems.empty())
        problems.push_back(file + ": data.scale: expected false for " + recipe.model.name +
                           ", as " + own_units + ", got true");
    if (problems.empty()) return recipe;
    std::string message = problems.front();
    for (std::size_t i = 1; i < problems.size(); ++i) message += "\n" + problems[i];
    throw UsageError(message);
}

Recipe load_recipe(const std::string& name_or_file, const std::vector<std::string>& sets,
                   std::string* name) {
    std::vector<std::string> names;
    for (const auto& shipped : shipped_recipes()) {
        names.push_back(shipped.name);
        if (shipped.name != name_or_file) continue;
        if (name) *name = shipped.name;
        return parse_recipe(shipped.text, shipped.name, sets);
    }
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(name_or_file, ignored))
        throw UsageError(name_or_file + ": neither a recipe's name nor a file" +
                         nearest_hint(name_or_file, names) +
                         "; `pushforward recipes list` shows the names");
    if (name) *name = FilePath(name_or_file).stem().string();
    return parse_recipe(std::string(read_file(name_or_file, 1 << 20).text()), name_or_file, sets);
}

std::string recipe_text(const Recipe& recipe, bool comments) {
    return write_options(const_cast<Recipe&>(recipe), comments);  // a writer changes nothing
}

Recipe copy_of(const Recipe& recipe) {
    return parse_recipe(recipe_text(recipe), "recipe");
}

namespace {
std::string without_steps(const Recipe& recipe) {
    Recipe same = copy_of(recipe);
    same.train.steps = 1;
    return recipe_text(same);
}
}  // namespace

std::string recipe_hash(const Recipe& recipe) {
    return sha256(bytes_of(without_steps(recipe)));
}

std::string recipe_difference(const Recipe& before, const Recipe& now) {
    std::istringstream a(without_steps(before)), b(without_steps(now));
    auto keyed = [](std::istringstream& in) {
        std::vector<std::pair<std::string, std::string>> out;
        std::string l, table;
        while (std::getline(in, l)) {
            if (l.empty()) continue;
            if (l.front() == '[')
                table = l.substr(1, l.size() - 2) + ".";
            else if (const auto eq = l.find(" = "); eq != std::string::npos)
                out.emplace_back(table + l.substr(0, eq), l.substr(eq + 3));
        }
        return out;
    };
    const auto was = keyed(a), is = keyed(b);
    std::string out;
    for (const auto& [key, value] : is) {
        const auto found = std::find_if(was.begin(), was.end(),
                                        [&k = key](const auto& e) { return e.first == k; });
        if (found != was.end() && found->second == value) continue;
        out += (out.empty() ? "" : "\n") + key + ": was " +
               (found == was.end() ? "absent" : found->second) + ", now " + value;
    }
    return out;
}

std::string ShippedRecipe::comment() const {
    std::istringstream in(text);
    std::string out, line;
    while (std::getline(in, line) && !line.empty() && line.front() == '#')
        out += (out.empty() ? "" : " ") + line.substr(std::min(line.size(), std::size_t{2}));
    return out;
}

}  // namespace pushforward
