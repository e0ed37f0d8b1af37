#include "pushforward/audit/temperature.hpp"

#include "pushforward/audit/sequence_truth.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/recipe_text.hpp"
#include "pushforward/simulators/markov.hpp"

#include <torch/types.h>

#include <cmath>
#include <limits>

namespace pushforward {
namespace {

constexpr std::int64_t kDraws = 100000;
/// How often a chi-square test refuses draws of the law itself.
constexpr double kFalseAlarm = 0.001;

struct Parameters : Options {
    MarkovOptions law;
    std::int64_t context = 3;

    Parameters() {
        law.length = 2;
        law.lags = {1};
        law.concentration = 1;
    }
    void visit(Fields& f) override {
        f.integer("symbols", law.symbols, {.doc = "of the chain", .low = 2, .high = 32});
        f.integer("law", law.law, {.doc = "the seed of the chain's probabilities", .low = 0});
        f.number("concentration", law.concentration,
                 {.doc = "of the Dirichlet law that they come from", .low = 0.3, .high = 100});
        f.integer("context", context,
                  {.doc = "the symbol before those that are drawn", .low = 0, .high = 31});
    }
};

class Temperature : public Claim {
public:
    Options& parameters() override { return p_; }

    std::vector<PlannedRun> runs(std::uint64_t seed) const override {
        PF_CHECK(p_.context < p_.law.symbols, "context", "one of the symbols", p_.context);
        return {{"char_lstm",
                 symbols_recipe(text("sim:markov?symbols=", p_.law.symbols, "&length=",
                                     p_.law.length, "&lags=1&law=", p_.law.law, "&concentration=",
                                     number_text(p_.law.concentration), "&n=5000000&seed=", seed),
                                "name = \"char_lstm\"\nembedding = 16\nwidth = 32",
                                {.steps = 1500,
                                 .batch = 1024,
                                 .learning_rate = "1e-2",
                                 .warmup = 20,
                                 .half_life = 50})}};
    }

    std::vector<Check> measure(const RunFolders& runs, std::uint64_t seed) const override {
        const std::string folder = runs.at("char_lstm").string();
        const Tensor logits = logits_of(open_run(folder)), log_p = log_conditional();
        const double all = std::numeric_limits<double>::infinity();
        std::vector<Check> checks;
        Tensor at_half;
        for (const double t : {0.5, 1.0, 2.0}) {
            const Tensor counts =
                counts_of(open_run(folder, {text("sample.temperature=", number_text(t))}), seed);
            if (checks.empty()) at_half = counts;
            const Tensor law = (log_p / t).softmax(0);
            const double p = counts_p(counts, (logits / t).softmax(0));
            const double apart = 0.5 * (counts / kDraws - law).abs().sum().item<double>();
            const double likeliest = law.max().item<double>(),
                         share = counts[law.argmax()].item<double>() / kDraws;
            checks.push_back({text("share of draws at T = ", number_text(t),
                                   " that are the law's likeliest symbol"),
                              likeliest, share, std::sqrt(share * (1 - share) / kDraws),
                              likeliest - 0.02, likeliest + 0.02});
            checks.push_back({text("share of draws at T = ", number_text(t),
                                   " to be moved for the law's p^(1/T)"),
                              0, apart, 0, 0, 0.02});
            checks.push_back(
                {text("chi-square p of draws at T = ", number_text(t), " against softmax(l/T)"),
                 kFalseAlarm, p, 0, kFalseAlarm, all});
        }
        checks.push_back({"chi-square p of draws at T = 0.5 against softmax(softmax(l)/T)", 0,
                          counts_p(at_half, (logits.softmax(0) / 0.5).softmax(0)), 0, 0,
                          kFalseAlarm});
        const Tensor coldest = counts_of(open_run(folder, {"sample.temperature=0"}), seed);
        checks.push_back({"share of draws at T = 0 that are the likeliest symbol", 1,
                          coldest[logits.argmax()].item<double>() / kDraws, 0, 1, 1});
        const Tensor few = counts_of(open_run(folder, {"sample.top_k=3"}), seed);
        const Tensor kept = logits.ge(std::get<0>(logits.topk(3)).min());
        checks.push_back({"chi-square p of draws from the likeliest three", kFalseAlarm,
                          counts_p(few, logits.softmax(0) * kept), 0, kFalseAlarm, all});
        return checks;
    }

private:
    /// The model's logits of the symbol after the context, float64.
    Tensor logits_of(const OpenedRun& run) const {
        const torch::NoGradGuard no_grad;
        const Tensor symbols = torch::tensor({p_.context, std::int64_t{0}}).unsqueeze(0);
        return run.model->sequential()->logits(symbols, {}).to(torch::kDouble)[0][1];
    }

    /// log p(x | context) and a constant: log p of (context, x).
    Tensor log_conditional() const {
        const Tensor next = torch::arange(p_.law.symbols);
        return make_markov(p_.law)->log_prob(
            torch::stack({torch::full_like(next, p_.context), next}, 1));
    }

    /// How often each symbol came, float64.
    Tensor counts_of(const OpenedRun& run, std::uint64_t seed) const {
        Steering after;
        after.prompt.symbols = torch::tensor({p_.context});
        const Samples drawn = draw_samples(*run.model, run.description.scaling, kDraws, {}, seed,
                                           10000, run.device, {}, after);
        return torch::bincount(drawn.x.select(1, 1), {}, p_.law.symbols).to(torch::kDouble);
    }

    Parameters p_;
};

}  // namespace

std::unique_ptr<Claim> make_temperature() {
    return std::make_unique<Temperature>();
}

}  // namespace pushforward
