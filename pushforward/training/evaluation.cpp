#include "pushforward/training/evaluation.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/data/loader.hpp"
#include "pushforward/metrics/catalogue.hpp"

#include <torch/types.h>

#include <algorithm>
#include <numeric>

namespace pushforward {
namespace {

/// n of `rows` (all when there are fewer), chosen by the seed, in ascending order.
std::vector<std::int64_t> choose(std::vector<std::int64_t> rows, std::int64_t n,
                                 std::uint64_t seed) {
    if (static_cast<std::int64_t>(rows.size()) <= n) return rows;
    const auto order = Rng(seed).split(3).permutation(static_cast<std::int64_t>(rows.size()));
    std::vector<std::int64_t> chosen;
    for (std::int64_t i = 0; i < n; ++i)
        chosen.push_back(rows[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])]);
    std::sort(chosen.begin(), chosen.end());
    return chosen;
}

std::vector<std::int64_t> all_rows(std::int64_t n) {
    std::vector<std::int64_t> rows(static_cast<std::size_t>(n));
    std::iota(rows.begin(), rows.end(), std::int64_t{0});
    return rows;
}

struct Rows {
    std::shared_ptr<const Source> data;
    std::vector<std::int64_t> rows;
    std::string name;
};

Rows held_out_rows(const OpenedRun& run, const EvaluationRequest& request) {
    if (!request.data.empty()) {
        auto data = open_like(run, request.data);
        const auto n = data->size();
        return {std::move(data), all_rows(n), request.data};
    }
    Preparation how = preparation(run.recipe.data);
    how.vocabulary = run.description.vocabulary;
    PreparedData prepared = prepare_data(run.description.source, how);
    const std::string changed = difference(run.description, prepared.description);
    if (!changed.empty() && request.warn)
        request.warn("the data have changed since the training: " + changed);
    const std::string source = run.description.source;
    if (prepared.test && prepared.test->size() > 0) {
        const auto n = prepared.test->size();
        return {prepared.test, all_rows(n), source + " (test rows)"};
    }
    if (prepared.split.validation.empty())
        throw UsageError("eval: the run held out no rows; give --data SPEC");
    return {prepared.data, prepared.split.validation, source + " (validation rows)"};
}

/// What the judge makes of items in the data's own units.
Verdict verdict_of(const OpenedRun& judge, const Tensor& items) {
    const torch::NoGradGuard no_grad;
    const Classifier& classifier = *judge.model->classifier();
    const Tensor x = judge.description.scaling.to_model(items);
    const std::int64_t n = x.size(0), chunk = 256;
    std::vector<Tensor> features, log_probs;
    for (std::int64_t i = 0; i < n; i += chunk) {
        const Tensor part = x.slice(0, i, std::min(i + chunk, n)).to(judge.device);
        const Tensor clean = torch::zeros({part.size(0)}, part.options().dtype(torch::kDouble));
        features.push_back(classifier.features(part).cpu());
        log_probs.push_back(classifier.log_probs(part, clean).cpu());
    }
    return {torch::cat(features), torch::cat(log_probs)};
}

/// Without the judge's condition where classes of the same name are others than those it tells.
Condition told_by(const OpenedRun& judge, Condition c, const DataSpec& spec) {
    const Field& told = judge.model->classifier()->label();
    const Field* field = spec.condition(told.name);
    if (field && !field->names.empty() && !told.names.empty() && field->names != told.names)
        c.value.erase(told.name);
    return c;
}

/// Whether a wanted metric refuses only because there are no samples yet.
bool needs_samples(const std::vector<std::string>& names, const Judged& without) {
    if (names.empty()) return true;
    return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
        return !metric_entry(name).make()->refusal(without).empty();
    });
}

}  // namespace

Condition known_conditions(const DataSpec& spec, const Condition& c) {
    Condition known;
    for (const Field& f : spec.conditions)
        if (const auto found = c.value.find(f.name); found != c.value.end())
            known.value[f.name] = found->second;
    return known;
}

std::shared_ptr<const Source> open_like(const OpenedRun& run, const std::string& spec,
                                        const std::string& option) {
    auto data = open_data(spec, run.description.vocabulary);
    if (!(data->spec().x == run.description.spec.x))
        throw UsageError(option + " " + spec +
                         ": its items are not of the kind and shape that the run was trained on");
    return data;
}

void check_judge(const OpenedRun& judge, const Space& items, const std::string& option) {
    const std::string who = text(option, " ", judge.folder.path().string());
    if (!judge.model->classifier())
        throw UsageError(text(who, ": ", judge.recipe.model.name,
                              " tells no classes; a judge is a run of `classifier`"));
    PF_CHECK(judge.description.spec.x.event == items.event, who,
             text("a judge of items of ", at::IntArrayRef(items.event)),
             text("one of ", at::IntArrayRef(judge.description.spec.x.event)));
}

Evaluation evaluate_run(const OpenedRun& run, const EvaluationRequest& request) {
    const auto names = request.metrics.empty() ? run.recipe.eval.metrics : request.metrics;
    for (const auto& name : names) metric_entry(name);  // an unknown name before any work
    const Rows held_out = held_out_rows(run, request);
    const bool text = run.description.spec.x.is_sequence();  // which is judged whole
    const std::int64_t n = request.n > 0 ? request.n
                           : text        ? static_cast<std::int64_t>(held_out.rows.size())
                                         : run.recipe.eval.n;
    const auto rows = choose(held_out.rows, n, request.seed);
    const Batch data = held_out.data->get(rows);
    const Batch model = run.description.scaling.to_model(data).to(run.device);

    Judged judged;
    judged.model = run.model.get();
    judged.held_out = &data;
    judged.held_out_model = &model;
    judged.held_out_spec = &held_out.data->spec();
    judged.log_det = run.description.scaling.log_det(data.x.sizes().slice(1));
    judged.seed = request.seed;
    judged.vocabulary = run.description.vocabulary.get();
    const Condition c = known_conditions(run.model->spec(), data.c);
    if (request.judge) {
        check_judge(*request.judge, run.description.spec.x, "--judge");
        judged.judge = request.judge->model->classifier();
        judged.asked = told_by(*request.judge, c, held_out.data->spec());
    }
    // no figure here judges samples of text
    const bool draws = run.model->samples() && !text && needs_samples(names, judged);
    Judged promised = judged;
    if (draws) promised.samples = data.x;  // as many, of the same shape
    check_metrics(names, promised);
    if (request.judge) judged.held_out_seen = verdict_of(*request.judge, data.x);
    if (draws) {
        const auto count = static_cast<std::int64_t>(rows.size());
        judged.samples = draw_samples(*run.model, run.description.scaling, count, c, request.seed,
                                      request.batch, run.device,
                                      [&](std::int64_t done) {
                                          if (request.progress) request.progress(done, count);
                                      })
                             .x;
        if (request.judge) judged.samples_seen = verdict_of(*request.judge, judged.samples);
    }
    return {held_out.name, static_cast<std::int64_t>(rows.size()), evaluate(names, judged)};
}

Evaluation evaluate_sets(const std::string& samples, const std::string& data,
                         const EvaluationRequest& request) {
    for (const auto& name : request.metrics) metric_entry(name);
    const auto a = open_data(samples), b = open_data(data);
    if (a->spec().x.event != b->spec().x.event)
        throw UsageError("eval: items of " + samples + " and of " + data + " differ in shape");
    const std::int64_t n = request.n > 0 ? request.n : std::max(a->size(), b->size());
    const Batch held_out = b->get(choose(all_rows(b->size()), n, request.seed));
    Judged judged;
    judged.held_out = &held_out;
    judged.seed = request.seed;
    const Batch drawn = a->get(choose(all_rows(a->size()), n, request.seed + 1));
    judged.samples = drawn.x;
    if (request.judge) {
        check_judge(*request.judge, b->spec().x, "--judge");
        judged.judge = request.judge->model->classifier();
        judged.asked = told_by(*request.judge, drawn.c, a->spec());
        check_metrics(request.metrics, judged);
        judged.held_out_seen = verdict_of(*request.judge, held_out.x);
        judged.samples_seen = verdict_of(*request.judge, drawn.x);
    }
    return {data, held_out.size(), evaluate(request.metrics, judged)};
}

}  // namespace pushforward
