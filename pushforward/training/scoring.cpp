#include "pushforward/training/scoring.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/base/named.hpp"
#include "pushforward/base/recipe_text.hpp"
#include "pushforward/core/levels.hpp"
#include "pushforward/families/capabilities.hpp"
#include "pushforward/training/evaluation.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

namespace pushforward {
namespace {

Estimator find_estimator(const Density& density, const std::string& name) {
    const auto all = density.estimators();
    if (name.empty()) return all.front();
    return find_named(all, &Estimator::name, name, [&](const auto& names) {
        return text("--estimator ", name, ": this model has ", one_of(names),
                    nearest_hint(name, names));
    });
}

}  // namespace

double Scores::mean() const {
    return log_prob.mean().item<double>();
}
double Scores::standard_error() const {
    const auto n = static_cast<double>(log_prob.size(0));
    return n > 1 ? log_prob.std().item<double>() / std::sqrt(n) : 0;
}
double Scores::bits_per_dim() const {
    return -mean() / (static_cast<double>(dims) * std::log(2.0));
}

Scores score_run(const OpenedRun& run, const ScoreRequest& request) {
    const Density* density = run.model->density();
    if (!density)
        throw UsageError("score: " + run.recipe.model.name +
                         " has no density; `pushforward models` says which models have one");
    Scores scores;
    scores.estimator = find_estimator(*density, request.estimator);
    if (request.per_symbol && !run.model->sequential())
        throw UsageError("score --per-symbol: " + run.recipe.model.name +
                         " does not say one symbol after another; models that do: " +
                         models_that([](const Model& m) { return m.sequential() != nullptr; }));
    const auto data = open_like(run, request.data);
    const Scaling& scaling = run.description.scaling;
    const Rng rng = Rng(request.seed).split(0);
    const torch::NoGradGuard no_grad;
    std::vector<Tensor> parts;
    std::optional<Levels> levels;
    for (std::int64_t i = 0; i < data->size(); i += request.batch) {
        const std::int64_t end = std::min(i + request.batch, data->size());
        std::vector<std::int64_t> rows(static_cast<std::size_t>(end - i));
        std::iota(rows.begin(), rows.end(), i);
        const Batch batch = data->get(rows);
        scores.dims = batch.x[0].numel();
        const Batch model = scaling.to_model(batch).to(run.device);
        if (i == 0) levels = levels_of(model.x);
        if (scores.estimator.measure == Measure::dequantised && !levels)
            throw DataError(request.data, "",
                            "expected pictures of 256 levels for " + scores.estimator.name);
        const Condition c = known_conditions(run.model->spec(), model.c);
        if (const Sequential* sequential = run.model->sequential()) {
            const Tensor symbols = sequential->to_symbols(model.x);
            scores.symbols += symbols.ge(0).sum().item<std::int64_t>();
            if (request.per_symbol) {
                scores.symbol_rows.push_back(symbols.cpu());
                scores.symbol_log_probs.push_back(
                    sequential->log_probs(symbols, c).to(torch::kCPU, torch::kDouble));
                parts.push_back(scores.symbol_log_probs.back().sum(1));
                if (request.progress) request.progress(end, data->size());
                continue;
            }
        }
        const double log_det = levels ? 0 : scaling.log_det(batch.x.sizes().slice(1));
        parts.push_back(
            log_prob_of_data(*density, scores.estimator, model.x, c, levels, rng.rows_from(i))
                .to(torch::kCPU, torch::kDouble) +
            log_det);
        if (request.progress) request.progress(end, data->size());
    }
    PF_CHECK(!parts.empty(), "score: --data " + request.data, "rows", "none");
    scores.log_prob = torch::cat(parts);
    const Measure measure = scores.estimator.measure;
    if (levels)
        scores.dequantization = measure == Measure::mass          ? "none"
                                : measure == Measure::dequantised ? scores.estimator.name
                                                                  : "uniform";
    if (levels && measure == Measure::density) scores.estimator.measure = Measure::dequantised;
    return scores;
}

}  // namespace pushforward
