#include "pushforward/base/errors.hpp"
#include "pushforward/base/recipe_text.hpp"
#include "pushforward/cli/common.hpp"
#include "pushforward/families/capabilities.hpp"

#include <CLI/CLI.hpp>

#include <memory>

namespace pushforward {
namespace {

json::object entry_json(const CatalogueEntry& e, const std::vector<std::string>& can) {
    return {{"name", e.name},
            {"family", e.family},
            {"summary", e.summary},
            {"paper", e.paper},
            {"objectives", json::value_from(e.objectives)},
            {"capabilities", json::value_from(can)}};
}

/// "score (ode: estimate)" is a way to score: the words before the brackets, each once.
std::string verbs_of(const std::vector<std::string>& can) {
    std::vector<std::string> verbs;
    for (const auto& c : can)
        if (const auto verb = c.substr(0, c.find(" (")); verbs.empty() || verbs.back() != verb)
            verbs.push_back(verb);
    std::string out;
    for (const auto& verb : verbs) out += (out.empty() ? "" : ", ") + verb;
    return out;
}

void list_models(const Common& common) {
    json::array all;
    std::string lines;
    for (const auto& e : catalogue()) {
        const auto can = capabilities(*example_of(e));
        all.push_back(entry_json(e, can));
        char line[512];
        std::snprintf(line, sizeof line, "%-16s %-12s %s (%s)\n%30s%s\n", e.name.c_str(),
                      e.family.c_str(), e.summary.c_str(), e.paper.c_str(), "",
                      verbs_of(can).c_str());
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
    return rows.empty() ? "" : out;
}

void show_model(const Common& common, const std::string& name) {
    const auto& e = catalogue_entry(name);
    const auto can = capabilities(*example_of(e));
    json::object out = entry_json(e, can);
    std::string can_text;
    for (const auto& c : can) can_text += (can_text.empty() ? "" : ", ") + c;
    std::string lines = e.name + ": " + e.summary + "\nfamily " + e.family + "; " + e.paper +
                        "\nobjectives: " + one_of(e.objectives) + "\ncan " + can_text + "\n";
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
