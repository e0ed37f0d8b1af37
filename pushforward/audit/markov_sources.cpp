#include "pushforward/audit/markov_sources.hpp"

#include "pushforward/audit/sequence_truth.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/recipe_text.hpp"
#include "pushforward/simulators/markov.hpp"
#include "pushforward/training/scoring.hpp"

#include <torch/types.h>

#include <limits>

namespace pushforward {
namespace {

constexpr std::int64_t kDrawn = 2000;
/// How often a chi-square test refuses draws of the law itself.
constexpr double kFalseAlarm = 0.001;

struct Parameters : Options {
    std::int64_t symbols = 8, law = 0;
    double concentration = 0.5;

    void visit(Fields& f) override {
        f.integer("symbols", symbols, {.doc = "of both chains", .low = 2, .high = 8});
        f.integer("law", law, {.doc = "the seed of the chains' probabilities", .low = 0});
        f.number("concentration", concentration,
                 {.doc = "of the Dirichlet law that they come from", .low = 0.3, .high = 100});
    }
    /// Each symbol depends on those before it, or on few far back.
    MarkovOptions chain(bool far) const {
        MarkovOptions o;
        o.symbols = symbols;
        o.law = law;
        o.concentration = concentration;
        o.length = far ? 48 : 32;
        if (far) o.lags = {1, 5, 12};
        o.balanced = far;
        return o;
    }
};

class MarkovSources : public Claim {
public:
    Options& parameters() override { return p_; }

    std::vector<PlannedRun> runs(std::uint64_t seed) const override {
        // one convolution over as many symbols as tell of the next
        std::vector<PlannedRun> runs;
        for (const bool far : {false, true}) {
            const MarkovOptions chain = p_.chain(far);
            runs.push_back(
                {name_of(far), symbols_recipe(data(chain, 5000000, seed),
                                              text("name = \"wavenet\"\nfeatures = 64\nskip = 256\n"
                                                   "layers = 1\ncycles = 1\nkernel = ",
                                                   chain.lags.back() + 1),
                                              {.steps = far ? 2000 : 2500,
                                               .batch = 64,
                                               .learning_rate = "5e-3",
                                               .warmup = 50,
                                               .half_life = 50})});
        }
        return runs;
    }

    std::vector<Check> measure(const RunFolders& runs, std::uint64_t seed) const override {
        std::vector<Check> checks;
        for (const bool far : {false, true}) {
            const OpenedRun run = open_run(runs.at(name_of(far)).string());
            const MarkovOptions chain = p_.chain(far);
            for (Check& check : of_chain(run, chain, seed)) checks.push_back(std::move(check));
        }
        return checks;
    }

private:
    static std::string name_of(bool far) { return far ? "far" : "near"; }
    static std::string data(const MarkovOptions& o, std::int64_t n, std::uint64_t seed) {
        std::string lags;
        for (const auto lag : o.lags) lags += (lags.empty() ? "" : ",") + std::to_string(lag);
        return text("sim:markov?symbols=", o.symbols, "&length=", o.length, "&lags=", lags,
                    "&law=", o.law, "&concentration=", number_text(o.concentration),
                    "&balanced=", o.balanced ? "true" : "false", "&n=", n, "&seed=", seed);
    }

    static std::vector<Check> of_chain(const OpenedRun& run, const MarkovOptions& chain,
                                       std::uint64_t seed) {
        const std::string name = text(", lags to ", chain.lags.back());
        const auto length = static_cast<double>(chain.length);
        ScoreRequest request;
        request.data = data(chain, 10000, seed + 1000);
        request.batch = 1000;
        const Tensor log_q = score_run(run, request).log_prob / length;
        const Tensor log_p = make_markov(chain)->log_prob(all_of(request.data)) / length;
        const Mean gap = mean_of(log_p - log_q), nll = mean_of(-log_q);
        const double h = entropy(chain) / length, error = 4 * nll.standard_error;
        return {
            {"nats a symbol that the model is short of the chain" + name, 0, gap.value,
             gap.standard_error, -4 * gap.standard_error, 0.01},
            {"nats a symbol, items of the chain" + name, h, nll.value, nll.standard_error,
             h - error, h + 0.01 + error},
            {"chi-square p of drawn symbols with those that they depend on" + name, kFalseAlarm,
             windows_p(run, chain, seed), 0, kFalseAlarm, std::numeric_limits<double>::infinity()}};
    }

    /// The last symbol of drawn items and those at its lags, K^4 cells, against the chain's law of
    /// them. Items are independent; where the chain is balanced, symbols between the lags leave
    /// the law as it is.
    static double windows_p(const OpenedRun& run, const MarkovOptions& chain, std::uint64_t seed) {
        const std::int64_t depth = chain.lags.back();
        const auto cells = static_cast<std::int64_t>(chain.lags.size()) + 1;
        const Tensor x =
            draw_samples(*run.model, run.description.scaling, kDrawn, {}, seed, 1000, run.device)
                .x.slice(1, -depth - 1);
        const Tensor windows = all_strings(chain.symbols, cells);
        const Tensor whole = torch::zeros({windows.size(0), depth + 1}, torch::kLong);
        Tensor code = x.select(1, depth);
        std::int64_t place = 1;
        whole.select(1, depth).copy_(windows.select(1, cells - 1));
        for (std::int64_t j = 0; j + 1 < cells; ++j) {
            const std::int64_t at = depth - chain.lags[static_cast<std::size_t>(j)];
            whole.select(1, at).copy_(windows.select(1, cells - 2 - j));
            code = code + (place *= chain.symbols) * x.select(1, at);
        }
        MarkovOptions short_chain = chain;
        short_chain.length = depth + 1;
        return counts_p(torch::bincount(code, {}, windows.size(0)).to(torch::kDouble),
                        make_markov(short_chain)->log_prob(whole).exp());
    }

    Parameters p_;
};

}  // namespace

std::unique_ptr<Claim> make_markov_sources() {
    return std::make_unique<MarkovSources>();
}

}  // namespace pushforward
