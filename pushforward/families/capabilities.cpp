#include "pushforward/families/capabilities.hpp"

#include "pushforward/base/recipe_text.hpp"

namespace pushforward {

std::vector<std::string> capabilities(const Model& model) {
    std::vector<std::string> out;
    if (model.samples()) out.push_back("sample");
    if (const auto* density = model.density())
        for (const auto& e : density->estimators())
            out.push_back("score (" + e.name + ": " +
                          (e.strength == Strength::exact         ? "exact"
                           : e.strength == Strength::lower_bound ? "lower bound"
                                                                 : "estimate") +
                          ")");
    if (model.denoiser()) out.push_back("denoise");
    if (model.classifier()) out.push_back("classify (judge, guide)");
    if (model.sequential()) out.push_back("compress");
    if (model.energy()) out.push_back("energy");
    if (const auto* latent = model.latent())
        out.push_back("encode (" + latent->latent_space().name + ")");
    return out;
}

std::unique_ptr<Model> example_of(const CatalogueEntry& entry) {
    const std::vector<Field> label{{"label", {Kind::symbol, {}, 2}}};
    const auto options = entry.options(), sampling = entry.sample_options();
    return entry.make(*options, *sampling, {entry.example, label});
}

std::string models_that(const std::function<bool(const Model&)>& can) {
    std::vector<std::string> names;
    for (const auto& entry : catalogue())
        if (can(*example_of(entry))) names.push_back(entry.name);
    return one_of(names);
}

}  // namespace pushforward
