// What each family says of its likelihood (claim A8): an autoregressive model's, a flow's and a
// mixture's is exact, a diffusion model's a lower bound or an estimate by its ODE, a classifier has
// none.
#include "pushforward/families/capabilities.hpp"

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <string>

using namespace pushforward;

namespace {

/// What must be among the answers and what may be.
struct Declared {
    std::set<std::string> must, may = {};
};
const std::map<std::string, Declared> taxonomy = {
    {"autoregressive", {{"exact"}}},
    {"flow", {{"exact"}, {"estimate", "lower_bound"}}},
    {"mixture", {{"exact"}}},
    {"diffusion", {{"lower_bound", "estimate"}}},
    {"classifier", {{}}},
};

/// What is wrong with what a model of that family declares; "" when nothing is.
std::string mistaken(const std::string& family, const std::vector<Estimator>& estimators) {
    const auto known = taxonomy.find(family);
    std::set<std::string> declared;
    for (const Estimator& e : estimators) {
        const std::string strength = strength_name(e.strength);
        declared.insert(strength);
        if (known == taxonomy.end()) {
            if (strength == "exact") return "no law here says that " + family + " may be exact";
            continue;
        }
        if (!known->second.must.contains(strength) && !known->second.may.contains(strength))
            return e.name + " is " + strength;
        // a flow is only ever bounded where noise makes a density of a mass
        if (family == "flow" && strength == "lower_bound" && e.measure != Measure::dequantised)
            return e.name + " bounds what is exact";
    }
    if (known != taxonomy.end())
        for (const auto& strength : known->second.must)
            if (!declared.contains(strength)) return "nothing is " + strength;
    return "";
}

}  // namespace

TEST_CASE("what the models declare of their likelihood is their family's") {
    std::set<std::string> seen;
    for (const auto& entry : catalogue()) {
        CAPTURE(entry.name);
        const auto model = example_of(entry);
        const Density* density = model->density();
        CHECK(mistaken(entry.family, density ? density->estimators() : std::vector<Estimator>{}) ==
              "");
        // who says "score" to the user has a density, and only those
        bool scores = false;
        for (const auto& can : capabilities(*model)) scores = scores || can.rfind("score", 0) == 0;
        CHECK(scores == (density != nullptr));
        seen.insert(entry.family);
    }
    for (const auto& [family, declared] : taxonomy) CHECK(seen.contains(family));
}

TEST_CASE("the taxonomy hears a model that says too much") {
    const Estimator exact{"exact", Strength::exact, Measure::density},
        bound{"bound", Strength::lower_bound, Measure::density},
        ode{"ode", Strength::estimate, Measure::density};
    CHECK(mistaken("diffusion", {ode, bound, exact}) == "exact is exact");
    CHECK(mistaken("diffusion", {ode}) == "nothing is lower_bound");
    CHECK(mistaken("flow", {exact, bound}) == "bound bounds what is exact");
    CHECK(mistaken("flow", {}) == "nothing is exact");
    CHECK(mistaken("classifier", {ode}) == "ode is estimate");
    CHECK(mistaken("another", {exact}) == "no law here says that another may be exact");
    CHECK(mistaken("another", {bound}) == "");
}
