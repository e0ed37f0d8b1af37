#include "pushforward/audit/chain_rule.hpp"

#include "pushforward/audit/sequence_truth.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/recipe_text.hpp"
#include "pushforward/simulators/ising.hpp"
#include "pushforward/simulators/markov.hpp"

#include <torch/types.h>

#include <algorithm>
#include <utility>

namespace pushforward {
namespace {

struct Parameters : Options {
    MarkovOptions strings;
    IsingOptions pictures;

    Parameters() {
        strings.symbols = 2;
        strings.length = 12;
        strings.concentration = 1;
        pictures.size = 4;
    }
    void visit(Fields& f) override {
        f.integer(
            "law", strings.law,
            {.doc = "the seed of the probabilities of strings, a chain of order 3", .low = 0});
        f.number("concentration", strings.concentration,
                 {.doc = "of the Dirichlet law that they come from", .low = 0.3, .high = 10});
        f.integer("size", pictures.size,
                  {.doc = "pixels across the pictures", .low = 2, .high = 4});
        f.number("beta", pictures.beta,
                 {.doc = "inverse temperature of the pictures", .low = 0, .high = 1});
    }
};

/// A model, its network, and whether it learns pictures, and those as levels.
struct Asked {
    std::string name;
    bool pictures, levels;
    std::string options;
    CosineTraining training;
};

const std::vector<Asked>& asked() {
    static const std::vector<Asked> all = {
        {"char_lstm", false, false, "embedding = 8\nwidth = 32", {400, 256, "1e-2", 20, 20}},
        {"gpt",
         false,
         false,
         "layers = 2\nheads = 4\nwidth = 64\ncontext = 12\npositions = \"rotary\"\nrotary_base = "
         "100",
         {1000, 128, "4e-3", 50, 20}},
        {"wavenet",
         false,
         false,
         "features = 16\nskip = 32\nlayers = 4\ncycles = 1",
         {400, 256, "1e-2", 20, 20}},
        {"made", true, false, "symbols = 2\nwidth = 128", {400, 256, "5e-3", 20, 20}},
        {"pixel_cnn",
         true,
         true,
         "levels = 2\nfeatures = 16\nlayers = 3\npositions = true",
         {400, 256, "5e-3", 20, 20}}};
    return all;
}

class ChainRule : public Claim {
public:
    Options& parameters() override { return p_; }

    std::vector<PlannedRun> runs(std::uint64_t seed) const override {
        std::vector<PlannedRun> runs;
        for (const Asked& model : asked())
            runs.push_back(
                {model.name, symbols_recipe(source(model, seed),
                                            text("name = \"", model.name, "\"\n", model.options),
                                            model.training, model.levels)});
        return runs;
    }

    std::vector<Check> measure(const RunFolders& runs, std::uint64_t) const override {
        std::vector<Check> checks;
        for (const Asked& model : asked())
            for (Check& check : of_model(model, runs.at(model.name).string()))
                checks.push_back(std::move(check));
        return checks;
    }

private:
    std::string source(const Asked& model, std::uint64_t seed) const {
        const std::string rows = text("&n=1000000&seed=", seed);
        return model.pictures
                   ? text("sim:ising?size=", p_.pictures.size,
                          "&beta=", number_text(p_.pictures.beta), rows)
                   : text("sim:markov?symbols=2&length=", p_.strings.length,
                          "&lags=1,2,3&law=", p_.strings.law,
                          "&concentration=", number_text(p_.strings.concentration), rows);
    }

    /// The law's log p of strings, and its entropy.
    Tensor exact(const Asked& model, const Tensor& strings) const {
        if (!model.pictures) return make_markov(p_.strings)->log_prob(strings);
        const std::int64_t size = p_.pictures.size;
        return make_ising(p_.pictures)->log_prob(strings.view({-1, 1, size, size}));
    }
    double entropy_of(const Asked& model) const {
        return model.pictures ? ising_law(p_.pictures).entropy : entropy(p_.strings);
    }

    std::vector<Check> of_model(const Asked& model, const std::string& folder) const {
        const std::int64_t n =
            model.pictures ? p_.pictures.size * p_.pictures.size : p_.strings.length;
        const Tensor strings = all_strings(2, n);
        const OpenedRun run = open_run(folder);
        const Tensor log_q = log_probs_of(run, strings);
        const Tensor log_p = exact(model, strings);
        const double nll = -(log_p.exp() * log_q).sum().item<double>();
        const double h = entropy_of(model);
        return {{model.name + ": p summed over all strings", 1, log_q.exp().sum().item<double>(), 0,
                 1 - 1e-5, 1 + 1e-5},
                {model.name + ": nats of the law's strings, over all of them", h, nll, 0, h - 1e-4,
                 h + 0.05},
                {model.name + ": a conditional of the joint less the model's own, worst", 0,
                 worst_conditional(run, folder, strings), 0, 0, 1e-6}};
    }

    /// P(s_i | s_<i) from sums of the joint, float64, beside the softmax of what `next`, float32,
    /// says of every prefix of every length.
    static double worst_conditional(const OpenedRun& run, const std::string& folder,
                                    const Tensor& strings) {
        const Tensor joint =
            log_probs_of(open_run(folder, {}, at::kCPU, Precision::float64), strings).exp();
        const torch::NoGradGuard no_grad;
        const Sequential& model = *run.model->sequential();
        const std::int64_t rows = strings.size(0);
        const auto state = model.start({}, rows);
        Tensor came = strings.slice(1, 0, 0);
        double worst = 0;
        for (std::int64_t i = 0; i < strings.size(1); ++i) {
            const Tensor said = model.next(*state, came).to(torch::kDouble).softmax(1);
            const std::int64_t prefixes = std::int64_t{1} << i;
            const Tensor sums = joint.view({prefixes, 2, -1}).sum(2);
            const Tensor summed = (sums / sums.sum(1, true)).repeat_interleave(rows / prefixes, 0);
            worst = std::max(worst, (said - summed).abs().max().item<double>());
            came = strings.slice(1, i, i + 1);
        }
        return worst;
    }

    Parameters p_;
};

}  // namespace

std::unique_ptr<Claim> make_chain_rule() {
    return std::make_unique<ChainRule>();
}

}  // namespace pushforward
