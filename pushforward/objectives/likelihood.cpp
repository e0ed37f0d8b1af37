#include "pushforward/objectives/likelihood.hpp"

#include "pushforward/core/dataset.hpp"
#include "pushforward/objectives/parts.hpp"

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <string>

namespace pushforward {
namespace {

/// How many rows are looked at.
constexpr std::int64_t kLooked = 10000;

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
        if (!density || density->estimators().front().strength != Strength::exact)
            return "likelihood needs a model with an exact density";
        if (!sources.data) return "likelihood learns from data, and there is none";
        if (sources.rows.empty()) return "";
        const std::string constant =
            constant_numbers(spread(*sources.data, sources.rows, kLooked).x);
        if (!constant.empty())
            return "number " + constant +
                   " (counted from 0) is the same in all rows: no density is finite there (a "
                   "table's columns are left out by ?drop=NAME)";
        return "";
    }

    std::vector<Player> players(Model& model, const Sources&) const override {
        return one_player(model, [&model, options = options_](const Batch& batch,
                                                              const Step& step) {
            Rng for_conditions = step.rng.split(0);
            const Condition c =
                hide_rows(batch.c, batch.size(), options.condition_dropout, for_conditions);
            const Density& density = *model.density();
            const std::string exact = density.estimators().front().name;
            return Loss{mean_over(batch, -density.log_prob(batch.x, c, exact, step.rng.split(1)))};
        });
    }

private:
    LikelihoodOptions options_;
};

}  // namespace

void LikelihoodOptions::visit(Fields& f) {
    f.number("condition_dropout", condition_dropout,
             {.doc = "how often a row's condition is hidden", .low = 0, .high = 1});
}

std::unique_ptr<Objective> make_likelihood(const LikelihoodOptions& options) {
    return std::make_unique<Likelihood>(options);
}

}  // namespace pushforward
