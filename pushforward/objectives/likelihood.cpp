#include "pushforward/objectives/likelihood.hpp"

#include "pushforward/base/recipe_text.hpp"
#include "pushforward/core/dataset.hpp"
#include "pushforward/core/levels.hpp"
#include "pushforward/objectives/parts.hpp"

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <optional>
#include <string>

namespace pushforward {
namespace {

/// How many rows are looked at for constant numbers, and for the levels of pictures.
constexpr std::int64_t kLooked = 10000, kLookedForLevels = 64;

/// Which numbers of the items are the same in all rows: "2, 5"; ten at most, "" where there is
/// none.
std::string constant_numbers(const Tensor& rows) {
    const Tensor flat = rows.flatten(1);
    if (flat.size(0) < 2) return "";
    const Tensor same = (flat == flat.slice(0, 0, 1)).all(0).nonzero().flatten();
    std::string names;
    for (std::int64_t i = 0; i < std::min<std::int64_t>(same.size(0), 10); ++i)
        names += (i ? ", " : "") + std::to_string(same[i].item<std::int64_t>());
    return same.size(0) > 10 ? names + ", ..." : names;
}

class Likelihood : public Objective {
public:
    explicit Likelihood(const LikelihoodOptions& options) : options_(options) {}

    std::string refusal(const Model& model, const Sources& sources) const override {
        const Density* density = model.density();
        if (!density || !serves(density->estimators().front()))
            return "likelihood needs a model with an exact density";
        std::vector<std::string> names;
        for (const Estimator& e : density->estimators()) names.push_back(e.name);
        if (!options_.estimator.empty() &&
            std::find(names.begin(), names.end(), options_.estimator) == names.end())
            return "objective.estimator is " + options_.estimator + ": this model has " +
                   one_of(names);
        if (!sources.data) return "likelihood learns from data, and there is none";
        if (sources.rows.empty() || estimator(*density).measure == Measure::mass) return "";
        const Tensor rows = spread(*sources.data, sources.rows, kLooked).x;
        if (estimator(*density).measure == Measure::dequantised && !levels_of(rows))
            return estimator(*density).name + " dequantisation needs pictures of 256 levels";
        const std::string constant = levels_of(rows) ? "" : constant_numbers(rows);
        if (!constant.empty())
            return "number " + constant +
                   " (counted from 0) is the same in all rows: no density is finite there (a "
                   "table's columns are left out by ?drop=NAME)";
        return "";
    }

    std::vector<Player> players(Model& model, const Sources& sources) const override {
        const Estimator by = estimator(*model.density());
        const bool sequences = model.spec().x.is_sequence();
        const auto levels =
            sources.rows.empty() || by.measure == Measure::mass
                ? std::optional<Levels>()
                : levels_of(spread(*sources.data, sources.rows, kLookedForLevels).x);
        return one_player(model, [&model, by, levels, sequences, options = options_](
                                     const Batch& batch, const Step& step) {
            Rng for_conditions = step.rng.split(0);
            const Condition c =
                hide_rows(batch.c, batch.size(), options.condition_dropout, for_conditions);
            const Tensor nats =
                -log_prob_of_data(*model.density(), by, batch.x, c, levels, step.rng.split(1));
            if (!sequences) return Loss{mean_over(batch, nats)};
            return Loss{nats.sum() / batch.x.ge(0).sum().clamp_min(1)};  // nats a symbol
        });
    }

private:
    /// Whether its mean over noise is log p, or a bound on the mass of a picture.
    static bool serves(const Estimator& e) {
        return e.strength == Strength::exact || e.measure == Measure::dequantised;
    }
    Estimator estimator(const Density& density) const {
        const auto all = density.estimators();
        for (const Estimator& e : all)
            if (e.name == options_.estimator) return e;
        return all.front();
    }

    LikelihoodOptions options_;
};

}  // namespace

void LikelihoodOptions::visit(Fields& f) {
    f.number("condition_dropout", condition_dropout,
             {.doc = "how often a row's condition is hidden", .low = 0, .high = 1});
    f.text("estimator", estimator,
           {.doc = "which of the model's densities is maximised; empty: its first"});
}

std::unique_ptr<Objective> make_likelihood(const LikelihoodOptions& options) {
    return std::make_unique<Likelihood>(options);
}

}  // namespace pushforward
