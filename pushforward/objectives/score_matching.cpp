#include "pushforward/objectives/score_matching.hpp"

#include "pushforward/core/rowwise.hpp"
#include "pushforward/math/divergence.hpp"
#include "pushforward/objectives/parts.hpp"

#include <ATen/TensorOperators.h>

namespace pushforward {
namespace {

class ScoreMatching : public Objective {
public:
    explicit ScoreMatching(const ScoreMatchingOptions& options) : options_(options) {}

    std::string refusal(const Model& model, const Sources& sources) const override {
        if (!model.denoiser()) return "score_matching needs a model that denoises";
        if (!sources.data) return "score_matching learns from data, and there is none";
        return "";
    }

    std::vector<Player> players(Model& model, const Sources&) const override {
        return one_player(
            model, [&model, options = options_](const Batch& batch, const Step& step) {
                return Loss{mean_over(batch, rows(*model.denoiser(), options, batch, step))};
            });
    }

private:
    static Tensor rows(const Denoiser& model, const ScoreMatchingOptions& options,
                       const Batch& batch, const Step& step) {
        const Tensor& x0 = batch.x;
        Rng for_times = step.rng.split(0), for_noise = step.rng.split(1),
            for_conditions = step.rng.split(2), for_signs = step.rng.split(3);
        const Condition c =
            hide_rows(batch.c, batch.size(), options.condition_dropout, for_conditions);
        const Tensor t = draw_times(model.path(), options, batch.size(), for_times).to(x0.device());
        const Level level = model.path().at(t);
        const Tensor eps = normal_like(x0, for_noise);
        const Tensor x =
            (rowwise(level.alpha, x0) * x0 + rowwise(level.sigma, x0) * eps).requires_grad_(true);
        // sigma times the score: of the size of eps at every time
        const Tensor scaled = (rowwise(level.alpha / level.sigma, x0) * model.predict_x0(x, t, c) -
                               rowwise(1 / level.sigma, x0) * x);
        const bool sliced = options.trace == ScoreTrace::sliced;
        const Tensor signs =
            (for_signs.uniform(x0.sizes(), at::kFloat, x0.device()) < 0.5).to(x0.scalar_type()) *
                2 -
            1;
        const Tensor div =
            divergence(scaled, x, sliced ? Trace::hutchinson : Trace::exact, signs, true);
        const auto dims = static_cast<double>(x0.flatten(1).size(1));
        return (scaled.square().flatten(1).sum(1) / 2 + level.sigma.to(div.scalar_type()) * div) /
               dims;
    }

    ScoreMatchingOptions options_;
};

}  // namespace

void ScoreMatchingOptions::visit(Fields& f) {
    f.choice_of("trace", trace,
                {{"implicit", ScoreTrace::implicit}, {"sliced", ScoreTrace::sliced}},
                {.doc = "the divergence: exact, or along one random vector"});
    TimeOptions::visit(f);
    f.number("condition_dropout", condition_dropout,
             {.doc = "how often a row's condition is hidden, for guidance", .low = 0, .high = 1});
}

std::unique_ptr<Objective> make_score_matching(const ScoreMatchingOptions& options) {
    return std::make_unique<ScoreMatching>(options);
}

}  // namespace pushforward
