#include "pushforward/base/errors.hpp"
#include "pushforward/base/file.hpp"
#include "pushforward/cli/common.hpp"
#include "pushforward/training/recipe.hpp"
#include "pushforward/training/suggest.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <memory>

namespace pushforward {
namespace {

/// Without the full stop; that of "et al. " ends nothing.
std::string first_sentence(const std::string& text) {
    for (auto at = text.find(". "); at != std::string::npos; at = text.find(". ", at + 1))
        if (at < 5 || text.compare(at - 5, 5, "et al") != 0) return text.substr(0, at);
    return text;
}

void list(const Common& common) {
    json::array all;
    std::string lines;
    for (const auto& r : shipped_recipes()) {
        const std::string comment = r.comment();
        char line[512];
        std::snprintf(line, sizeof line, "%-28s %-12s %s\n", r.name.c_str(), r.family.c_str(),
                      first_sentence(comment).c_str());
        lines += line;
        all.push_back({{"name", r.name}, {"family", r.family}, {"comment", comment}});
    }
    common.print(lines, {{"recipes", all}});
}

void show(const Common& common, const std::string& name) {
    for (const auto& r : shipped_recipes())
        if (r.name == name) return common.print(r.text, {{"name", r.name}, {"text", r.text}});
    load_recipe(name);  // says what is wrong with the name
    throw UsageError(name + ": a file, not a shipped recipe");
}

void check(const Common& common, const std::string& file) {
    const Recipe recipe = load_recipe(file, common.sets);
    common.print(file + ": good", {{"file", file}, {"resolved", recipe_text(recipe)}});
}

void suggest(const Common& common, const std::string& spec, const std::string& out) {
    const std::string recipe = suggest_recipe(spec);
    if (!out.empty()) write_atomic(out, recipe);
    common.print(out.empty() ? recipe : out + "\nnext    pushforward train " + out,
                 {{"recipe", recipe}, {"out", out}});
}

}  // namespace

void add_recipes(CLI::App& program, Common& common) {
    CLI::App* verb = program.add_subcommand("recipes", "shipped recipes, and one for your data");
    verb->require_subcommand(1);
    auto name = std::make_shared<std::string>(), out = std::make_shared<std::string>();
    add_verb(*verb, common, "list", "names and what they reproduce", [&common] { list(common); });
    add_verb(*verb, common, "show", "the text of one", [&common, name] { show(common, *name); })
        ->add_option("NAME", *name, "a shipped recipe")
        ->required();
    add_verb(*verb, common, "check", "whether a recipe would be taken",
             [&common, name] { check(common, *name); })
        ->add_option("FILE", *name, "a TOML file or a name")
        ->required();
    CLI::App* s = add_verb(*verb, common, "suggest", "a recipe for your data",
                           [&common, name, out] { suggest(common, *name, *out); });
    s->add_option("SPEC", *name, "a data SPEC")->required();
    s->add_option("--out", *out, "write it to a file (default: print it)");
}

}  // namespace pushforward
