#pragma once

#include "pushforward/data/source.hpp"
#include "pushforward/metrics/evaluate.hpp"
#include "pushforward/training/run.hpp"

namespace pushforward {

/// The data of a SPEC; UsageError, naming the option that gave it, when its items are not like
/// those that the run was trained on.
std::shared_ptr<const Source> open_like(const OpenedRun& run, const std::string& spec,
                                        const std::string& option = "--data");

/// Those fields of a condition that a model of `spec` knows.
Condition known_conditions(const DataSpec& spec, const Condition& c);

/// What `eval` is asked for.
struct EvaluationRequest {
    std::string data;                  ///< a SPEC; empty: the run's held-out rows
    std::vector<std::string> metrics;  ///< empty: what the recipe names, else all that apply
    std::int64_t n = 0;                ///< items; 0: what the recipe says
    std::uint64_t seed = 0;
    std::int64_t batch = 64;
    const OpenedRun* judge = nullptr;  ///< a run with a classifier, whose features are compared
    std::function<void(std::int64_t done, std::int64_t n)> progress = {};  ///< of the sampling
    std::function<void(const std::string&)> warn = {};
};

struct Evaluation {
    std::string data;
    std::int64_t n = 0;
    Measurements metrics;
};

/// UsageError unless the run tells classes of items like these: `option` is what named it.
void check_judge(const OpenedRun& judge, const Space& items, const std::string& option);

/// Measures a run against held-out rows (its test rows, else its validation rows; drawn by the
/// seed) or against the rows of a SPEC. Samples are drawn only when a wanted metric needs them;
/// a conditional model's take the conditions of the rows that they are compared with.
Evaluation evaluate_run(const OpenedRun& run, const EvaluationRequest& request);

/// Judges any two sets without a model.
Evaluation evaluate_sets(const std::string& samples, const std::string& data,
                         const EvaluationRequest& request);

}  // namespace pushforward
