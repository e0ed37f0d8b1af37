#include "pushforward/objectives/catalogue.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/base/named.hpp"
#include "pushforward/base/recipe_text.hpp"
#include "pushforward/objectives/consistency.hpp"
#include "pushforward/objectives/classification.hpp"
#include "pushforward/objectives/denoising.hpp"
#include "pushforward/objectives/likelihood.hpp"
#include "pushforward/objectives/score_matching.hpp"

namespace pushforward {
namespace {

/// A line of the catalogue from an objective's own `make_x(Options)`.
template <class O>
ObjectiveEntry entry(std::string name, std::string summary, std::string paper,
                     std::unique_ptr<Objective> (*make)(const O&)) {
    return {std::move(name), std::move(summary), std::move(paper),
            [] { return std::make_unique<O>(); },
            [make](const Options& options) { return make(dynamic_cast<const O&>(options)); }};
}

}  // namespace

const std::vector<ObjectiveEntry>& objective_catalogue() {
    static const std::vector<ObjectiveEntry> all = {
        entry("denoising", "the squared error of a denoiser in its network's own units",
              "Ho, Jain & Abbeel 2020; Karras et al. 2022; Lipman et al. 2022", make_denoising),
        entry("score_matching", "the score's error by integration by parts: no noise is compared",
              "Hyvarinen 2005; Song et al. 2019", make_score_matching),
        entry("consistency", "one step of a teacher's ODE leads to the same item: distillation",
              "Song, Dhariwal, Chen & Sutskever 2023", make_consistency),
        entry("likelihood", "the negative log-density: maximum likelihood", "Fisher 1922",
              make_likelihood),
        entry("classification", "the cross-entropy of a classifier on clean and noised items",
              "Dhariwal & Nichol 2021", make_classification),
    };
    return all;
}

const ObjectiveEntry& objective_entry(const std::string& name) {
    return find_named(objective_catalogue(), &ObjectiveEntry::name, name, [&](const auto& names) {
        return text("no objective '", name, "'", nearest_hint(name, names));
    });
}

}  // namespace pushforward
