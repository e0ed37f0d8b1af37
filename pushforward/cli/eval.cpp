#include "pushforward/base/errors.hpp"
#include "pushforward/cli/common.hpp"
#include "pushforward/cli/progress.hpp"
#include "pushforward/training/evaluation.hpp"

#include <CLI/CLI.hpp>

#include <memory>
#include <optional>

namespace pushforward {
namespace {

struct EvalArguments {
    std::string run, data, samples, train, judge;
    std::vector<std::string> metrics;
    std::int64_t n = 0, batch = 64;
};

void eval(const Common& common, const EvalArguments& a) {
    PF_CHECK(a.run.empty() != a.samples.empty(), "eval",
             "a run, or --samples SPEC with --data SPEC", a.run.empty() ? "neither" : "both");
    if (!a.train.empty())
        throw UsageError("--train: no metric of this version compares with training data");
    EvaluationRequest request;
    request.data = a.data;
    request.metrics = a.metrics;
    request.n = a.n;
    request.seed = common.seed.value_or(0);
    request.batch = a.batch;
    request.warn = Common::warn;
    const at::Device device = resolve_device(common.device);
    const Precision precision =
        common.precision == "auto" ? Precision::float32 : common.wanted_precision();
    std::optional<OpenedRun> judge;
    if (!a.judge.empty()) request.judge = &judge.emplace(open_run(a.judge, {}, device, precision));
    Progress progress("sample", common.quiet);
    request.progress = [&](std::int64_t done, std::int64_t n) { progress.update(done, n); };
    Evaluation result;
    if (!a.samples.empty()) {
        PF_CHECK(!a.data.empty(), "eval --samples", "--data SPEC to judge them by", "none");
        result = evaluate_sets(a.samples, a.data, request);
    } else {
        const OpenedRun run = open_run(a.run, common.sets, device, precision);
        result = evaluate_run(run, request);
    }
    progress.end();
    json::object out{{"run", a.run},
                     {"data", result.data},
                     {"n", result.n},
                     {"metrics", to_json(result.metrics)}};
    if (!a.judge.empty()) out["judge"] = a.judge;
    common.print(text(result.data, ", n = ", result.n, "\n", to_text(result.metrics)), out);
}

}  // namespace

void add_eval(CLI::App& program, Common& common) {
    auto a = std::make_shared<EvalArguments>();
    CLI::App* verb = add_verb(program, common, "eval", "measure a run, or judge any two sets",
                              [&common, a] { eval(common, *a); });
    verb->add_option("RUN", a->run, "a run folder");
    verb->add_option("--samples", a->samples, "samples of any origin, a data SPEC");
    verb->add_option("--data", a->data, "a data SPEC (default: the run's held-out rows)");
    verb->add_option("--train", a->train, "the training data, for a memorisation test");
    verb->add_option("--judge", a->judge,
                     "a run of `classifier`: frechet, precision, recall, ... on what it sees, and "
                     "label_accuracy");
    verb->add_option("--metrics", a->metrics,
                     "names, separated by commas (default: all that apply)")
        ->delimiter(',');
    verb->add_option("-n", a->n, "items to judge (default: the recipe's eval.n)")
        ->check(CLI::Range(10, 100000000));
    verb->add_option("--batch", a->batch, "samples drawn together (default: 64)")
        ->check(CLI::Range(1, 1000000));
}

}  // namespace pushforward
