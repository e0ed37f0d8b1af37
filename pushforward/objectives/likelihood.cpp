#include "pushforward/objectives/likelihood.hpp"

#include "pushforward/objectives/parts.hpp"

#include <ATen/TensorOperators.h>

namespace pushforward {
namespace {

class Likelihood : public Objective {
public:
    explicit Likelihood(const LikelihoodOptions& options) : options_(options) {}

    std::string refusal(const Model& model, const Sources& sources) const override {
        const Density* density = model.density();
        if (!density || density->estimators().front().strength != Strength::exact)
            return "likelihood needs a model with an exact density";
        if (!sources.data) return "likelihood learns from data, and there is none";
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
