#include "pushforward/base/errors.hpp"
#include "pushforward/base/file.hpp"
#include "pushforward/cli/common.hpp"
#include "pushforward/cli/progress.hpp"
#include "pushforward/training/scoring.hpp"

#include <CLI/CLI.hpp>

#include <cmath>
#include <cstdio>
#include <memory>

namespace pushforward {
namespace {

struct ScoreArguments {
    std::string run, out;
    ScoreRequest request;
};

/// index,position,symbol,log_prob,kind: a line a symbol.
std::string symbols_csv(const Scores& scores) {
    std::string lines = "index,position,symbol,log_prob,kind\n";
    const char* kind = strength_name(scores.estimator.strength);
    char line[128];
    long long index = 0;
    for (std::size_t part = 0; part < scores.symbol_rows.size(); ++part) {
        const Tensor s = scores.symbol_rows[part].contiguous(),
                     p = scores.symbol_log_probs[part].contiguous();
        const auto* symbol = s.const_data_ptr<std::int64_t>();
        const auto* log_prob = p.const_data_ptr<double>();
        for (std::int64_t r = 0; r < s.size(0); ++r, ++index)
            for (std::int64_t i = 0; i < s.size(1); ++i, ++symbol, ++log_prob) {
                if (*symbol < 0) continue;
                std::snprintf(line, sizeof line, "%lld,%lld,%lld,%.9g,%s\n", index,
                              static_cast<long long>(i), static_cast<long long>(*symbol), *log_prob,
                              kind);
                lines += line;
            }
    }
    return lines;
}

/// index,log_prob,kind: a line an item.
std::string csv(const Scores& scores) {
    std::string lines = "index,log_prob,kind\n";
    const auto* values = scores.log_prob.const_data_ptr<double>();
    const char* kind = strength_name(scores.estimator.strength);
    char line[96];
    for (std::int64_t i = 0; i < scores.log_prob.size(0); ++i) {
        std::snprintf(line, sizeof line, "%lld,%.9g,%s\n", static_cast<long long>(i), values[i],
                      kind);
        lines += line;
    }
    return lines;
}

void score(const Common& common, const ScoreArguments& a) {
    const OpenedRun run =
        open_run(a.run, common.sets, resolve_device(common.device),
                 common.precision == "auto" ? Precision::float32 : common.wanted_precision());
    ScoreRequest request = a.request;
    request.seed = common.seed.value_or(0);
    Progress progress("score", common.quiet);
    request.progress = [&](std::int64_t done, std::int64_t n) { progress.update(done, n); };
    const Scores scores = score_run(run, request);
    progress.end();
    if (!a.out.empty()) write_atomic(a.out, request.per_symbol ? symbols_csv(scores) : csv(scores));

    const bool bound = scores.estimator.strength == Strength::lower_bound;
    std::string line =
        text("log p ", bound ? ">= " : "", number_text(scores.mean()), " +- ",
             number_text(scores.standard_error()), " nats, n = ", scores.log_prob.size(0), " (",
             strength_name(scores.estimator.strength), " by ", scores.estimator.name, ")");
    json::object out{{"n", scores.log_prob.size(0)},
                     {"mean", scores.mean()},
                     {"stderr", scores.standard_error()},
                     {"unit", "nats"},
                     {"kind", strength_name(scores.estimator.strength)},
                     {"estimator", scores.estimator.name}};
    if (run.description.spec.x.is_sequence() && scores.symbols > 0) {
        const double nats = -scores.mean() * static_cast<double>(scores.log_prob.size(0)) /
                            static_cast<double>(scores.symbols);
        line += text("\n", number_text(nats), " nats a symbol, ", number_text(nats / std::log(2.0)),
                     " bits, perplexity ", number_text(std::exp(nats)), ", ", scores.symbols,
                     " symbols");
        out["symbols"] = scores.symbols;
        out["nats_per_symbol"] = nats;
        out["bits_per_symbol"] = nats / std::log(2.0);
        out["perplexity"] = std::exp(nats);
    }
    if (!scores.dequantization.empty()) {
        line += text("\n", bound ? "<= " : "", number_text(scores.bits_per_dim()),
                     " bits/dim with ", scores.dequantization, " dequantization");
        out["bits_per_dim"] = scores.bits_per_dim();
        out["dequantization"] = scores.dequantization;
    }
    if (!a.out.empty()) line += "\n" + a.out;
    common.print(line, out);
}

}  // namespace

void add_score(CLI::App& program, Common& common) {
    auto a = std::make_shared<ScoreArguments>();
    CLI::App* verb =
        add_verb(program, common, "score", "log-density of each item, and of which kind",
                 [&common, a] { score(common, *a); });
    verb->add_option("RUN", a->run, "a run folder")->required();
    verb->add_option("--data", a->request.data, "a data SPEC")->required();
    verb->add_option("--out", a->out, "FILE.csv: index,log_prob,kind");
    verb->add_flag("--per-symbol", a->request.per_symbol,
                   "with --out: a line a symbol, index,position,symbol,log_prob,kind");
    verb->add_option("--estimator", a->request.estimator,
                     "which of the model's densities (default: its first; `models NAME` lists "
                     "them)");
    verb->add_option("--batch", a->request.batch, "items scored together (default: 256)")
        ->check(CLI::Range(1, 1000000));
}

}  // namespace pushforward
