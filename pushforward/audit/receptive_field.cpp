#include "pushforward/audit/receptive_field.hpp"

#include "pushforward/audit/sequence_truth.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/recipe_text.hpp"
#include "pushforward/simulators/parity.hpp"
#include "pushforward/training/scoring.hpp"

#include <torch/types.h>

#include <numbers>

namespace pushforward {
namespace {

struct Parameters : Options {
    std::int64_t layers = 3, within = 8, beyond = 9;
    double flip = 0;

    void visit(Fields& f) override {
        f.integer("layers", layers,
                  {.doc = "convolutions, of dilations 1, 2, 4, ..", .low = 2, .high = 4});
        f.integer("within", within, {.doc = "a lag", .low = 2, .high = 31});
        f.integer("beyond", beyond, {.doc = "another lag", .low = 2, .high = 31});
        f.number("flip", flip, {.doc = "how often a bit is the other way", .low = 0, .high = 0.5});
    }
    /// 1 + sum_i (k - 1) 2^i for k = 2 and dilations 2^0 .. 2^(layers - 1).
    std::int64_t field() const { return std::int64_t{1} << layers; }
    ParityOptions law(std::int64_t lag) const {
        ParityOptions o;
        o.length = 32;
        o.lag = lag;
        o.flip = flip;
        return o;
    }
};

class ReceptiveField : public Claim {
public:
    Options& parameters() override { return p_; }

    std::vector<PlannedRun> runs(std::uint64_t seed) const override {
        PF_CHECK(p_.within != p_.beyond, "beyond", "another lag than within", p_.beyond);
        std::vector<PlannedRun> runs;
        for (const std::int64_t lag : {p_.within, p_.beyond})
            runs.push_back(
                {name_of(lag), symbols_recipe(data(lag, 5000000, seed),
                                              text("name = \"wavenet\"\nfeatures = 16\nskip = 32\n"
                                                   "kernel = 2\ncycles = 1\nlayers = ",
                                                   p_.layers),
                                              {.steps = 2000,
                                               .batch = 64,
                                               .learning_rate = "1e-2",
                                               .warmup = 50,
                                               .half_life = 50})});
        return runs;
    }

    std::vector<Check> measure(const RunFolders& runs, std::uint64_t seed) const override {
        std::vector<Check> checks;
        for (const std::int64_t lag : {p_.within, p_.beyond})
            checks.push_back(doubt(lag, open_run(runs.at(name_of(lag)).string()), seed));
        const Reach reach =
            reach_of(open_run(runs.at(name_of(p_.within)).string()), p_.law(p_.within), seed);
        const auto field = static_cast<double>(p_.field());
        checks.push_back({text("the farthest symbol back that moves a symbol's logits"), field,
                          reach.farthest, 0, field, field});
        checks.push_back({text("symbols whose logits move with themselves or what follows"), 0,
                          reach.not_causal, 0, 0, 0});
        return checks;
    }

private:
    static std::string name_of(std::int64_t lag) { return text("lag-", lag); }
    std::string data(std::int64_t lag, std::int64_t n, std::uint64_t seed) const {
        const ParityOptions law = p_.law(lag);
        return text("sim:parity?length=", law.length, "&lag=", lag, "&flip=", number_text(law.flip),
                    "&n=", n, "&seed=", seed);
    }

    /// Bits a symbol of those after the first `lag`, which are coins.
    Check doubt(std::int64_t lag, const OpenedRun& run, std::uint64_t seed) const {
        ScoreRequest request;
        request.data = data(lag, 4000, seed + 1000);
        request.batch = 1000;
        request.per_symbol = true;
        const Tensor nats = -torch::cat(score_run(run, request).symbol_log_probs);
        const Mean bits = mean_of(nats.slice(1, lag).mean(1) / std::numbers::ln2);
        const bool seen = lag <= p_.field();
        const double expected = seen ? entropy_rate(p_.law(lag)) / std::numbers::ln2 : 1;
        return {text("bits a symbol at lag ", lag, seen ? ", within" : ", beyond", " the field"),
                expected,
                bits.value,
                bits.standard_error,
                expected - 4 * bits.standard_error - 1e-6,
                expected + 4 * bits.standard_error + 0.01};
    }

    struct Reach {
        double farthest = 0, not_causal = 0;
    };

    /// One bit of a string at a time is turned over: whose logits move at all?
    static Reach reach_of(const OpenedRun& run, const ParityOptions& law, std::uint64_t seed) {
        const torch::NoGradGuard no_grad;
        const Sequential& model = *run.model->sequential();
        Rng rng = Rng(seed).split(3);
        const Tensor string = rng.uniform({1, law.length}, torch::kDouble).lt(0.5).to(torch::kLong);
        const Tensor turned = torch::eye(law.length, torch::kLong);  // row j turns bit j
        const Tensor moved = (model.logits(string.expand({law.length, -1}) ^ turned, {}) -
                              model.logits(string.expand({law.length, -1}), {}))
                                 .ne(0)
                                 .any(2);  // [j, i]: bit j moves the logits of place i
        const Tensor place = torch::arange(law.length);
        const Tensor back = place.unsqueeze(0) - place.unsqueeze(1);  // i - j
        return {(back * moved).max().clamp_min(0).item<double>(),
                moved.logical_and(back.le(0)).sum().item<double>()};
    }

    Parameters p_;
};

}  // namespace

std::unique_ptr<Claim> make_receptive_field() {
    return std::make_unique<ReceptiveField>();
}

}  // namespace pushforward
