#include "pushforward/base/errors.hpp"
#include "pushforward/base/recipe_text.hpp"
#include "pushforward/cli/common.hpp"
#include "pushforward/families/catalogue.hpp"

#include <CLI/CLI.hpp>

#include <memory>

namespace pushforward {
namespace {

json::object entry_json(const CatalogueEntry& e) {
    return {{"name", e.name},
            {"family", e.family},
            {"summary", e.summary},
            {"paper", e.paper},
            {"objectives", json::value_from(e.objectives)}};
}

void list_models(const Common& common) {
    json::array all;
    std::string lines;
    for (const auto& e : catalogue()) {
        all.push_back(entry_json(e));
        char line[512];
        std::snprintf(line, sizeof line, "%-16s %-12s %s (%s)\n", e.name.c_str(), e.family.c_str(),
                      e.summary.c_str(), e.paper.c_str());
        lines += line;
    }
    common.print(lines, {{"models", all}});
}

std::string table(const std::string& heading, Options& options, json::array& rows) {
    std::string out = "\n" + heading + "\n";
    for (const auto& d : describe_options(options)) {
        out += "  " + d.path + " = " + d.value + "\n      " + d.doc +
               (d.unit.empty() ? "" : " [" + d.unit + "]") + "; " + d.type +
               (d.range.empty() ? "" : ", " + d.range) + "\n";
        rows.push_back({{"key", d.path},
                        {"default", d.value},
                        {"type", d.type},
                        {"range", d.range},
                        {"unit", d.unit},
                        {"doc", d.doc}});
    }
    return out;
}

void show_model(const Common& common, const std::string& name) {
    const auto& e = catalogue_entry(name);
    json::object out = entry_json(e);
    std::string lines = e.name + ": " + e.summary + "\nfamily " + e.family + "; " + e.paper +
                        "\nobjectives: " + one_of(e.objectives) + "\n";
    json::array model, sample;
    lines += table("[model]", *e.options(), model);
    lines += table("[sample]", *e.sample_options(), sample);
    out["model"] = model;
    out["sample"] = sample;
    common.print(lines, out);
}

}  // namespace

void add_models(CLI::App& program, Common& common) {
    auto name = std::make_shared<std::string>();
    CLI::App* verb = add_verb(program, common, "models", "the catalogue, or one model's options",
                              [&common, name] {
                                  if (name->empty())
                                      list_models(common);
                                  else
                                      show_model(common, *name);
                              });
    verb->add_option("NAME", *name, "a model");
}

}  // namespace pushforward
