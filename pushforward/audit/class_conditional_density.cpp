#include "pushforward/audit/class_conditional_density.hpp"

#include "pushforward/audit/truth.hpp"
#include "pushforward/audit/two_normals.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/data/source.hpp"

#include <torch/types.h>

#include <cmath>
#include <numeric>

namespace pushforward {
namespace {

constexpr std::int64_t kTrainingRows = 200000;

class ClassConditionalDensity : public Claim {
public:
    Options& parameters() override { return p_; }

    std::vector<PlannedRun> runs(std::uint64_t seed) const override {
        PF_CHECK(p_.mean > 0, "mean", "two classes that differ", p_.mean);
        return {{"flow", text("[data]\nsource = \"", data(kTrainingRows, seed), R"("
validation = 0.0
[model]
name = "spline"
transforms = 3
width = 64
[objective]
name = "likelihood"
condition_dropout = 0.2
)",
                              cosine_training({.steps = 1500,
                                               .batch = 2048,
                                               .learning_rate = "5e-3",
                                               .warmup = 50,
                                               .half_life = 100}))}};
    }

    std::vector<Check> measure(const RunFolders& runs, std::uint64_t seed) const override {
        const torch::NoGradGuard no_grad;
        const OpenedRun run = open_run(runs.at("flow").string(), {}, at::kCPU, Precision::float64);
        const Tensor share = class_shares(rows_of(data(kTrainingRows, seed)));
        const Batch test = rows_of(data(200000, seed + 1000));
        const Tensor x = test.x.to(torch::kDouble), label = test.c.value.at("label");
        const Tensor joint = log_joint(run, share, x), log_p = joint.logsumexp(1);
        const Tensor right = (joint - log_p.unsqueeze(1)).select(1, 1).exp();

        const double bayes = bayes_accuracy();
        const Mean accuracy = mean_of((joint.argmax(1) == label).to(torch::kDouble));
        const Mean gap = mean_of(log_density(p_, x) - log_p);
        const Mean alone = mean_of(log_p - given_none(run, x));
        const Tensor mass = masses(run, share);
        const double first = share[0].item<double>(), first_mass = mass[0].item<double>(),
                     all_mass = mass.sum().item<double>();
        const double distance = distance_of_samples(run, share, seed);
        // below: what 0.835 is under Bayes' 0.8413 for N(-1, 1) and N(1, 1)
        return {
            {"accuracy by Bayes' rule", bayes, accuracy.value, accuracy.standard_error,
             bayes - 0.0063, bayes + 4 * accuracy.standard_error},
            {"calibration error of P(Y | X), 20 bins", 0, calibration_error(right, label), 0, 0,
             0.02},
            {"integral over x of the sum over y of P(x, y)", 1, all_mass, 0, 1 - 1e-5, 1 + 1e-5},
            {"integral over x of P(x, y = 0)", first, first_mass, 0, first - 1e-5, first + 1e-5},
            {"nats that the sum over y is short of the law of x", 0, gap.value, gap.standard_error,
             -4 * gap.standard_error, 0.01},
            {"nats between the sum over y and the fit without labels", 0, alone.value,
             alone.standard_error, -0.01, 0.01},
            {"samples of X: largest distance from the law's distribution", 0, distance, 0, 0,
             0.01}};
    }

private:
    std::string data(std::int64_t n, std::uint64_t seed) const {
        return p_.data(n, seed, 1) + "&labels=true";
    }
    static Batch rows_of(const std::string& spec) {
        const auto source = open_data(spec);
        std::vector<std::int64_t> rows(static_cast<std::size_t>(source->size()));
        std::iota(rows.begin(), rows.end(), std::int64_t{0});
        return source->get(rows);
    }
    /// P(Y) by maximum likelihood: how often each class was seen.
    static Tensor class_shares(const Batch& training) {
        return training.c.value.at("label").bincount({}, 2).to(torch::kDouble) /
               static_cast<double>(training.size());
    }

    /// The best classifier's: right of where the classes' densities times their weights meet.
    double bayes_accuracy() const {
        const double s = p_.deviation, m = p_.mean, w = p_.weight;
        const double meet = s * s / (2 * m) * std::log(w / (1 - w));
        return w * normal_cdf((meet + m) / s) + (1 - w) * normal_cdf((m - meet) / s);
    }

    static Tensor log_prob(const OpenedRun& run, const Tensor& x, const Condition& c) {
        const Scaling& scaling = run.description.scaling;
        return run.model->density()->log_prob(scaling.to_model(x), c, "exact", Rng(0)) +
               scaling.log_det({1});
    }
    /// log P(x, y) = log P(y) + log p(x | y), [N, 2].
    static Tensor log_joint(const OpenedRun& run, const Tensor& share, const Tensor& x) {
        std::vector<Tensor> columns;
        for (std::int64_t y = 0; y < 2; ++y) {
            Condition c;
            c.value["label"] = torch::full({x.size(0)}, y, torch::kLong);
            columns.push_back(share[y].log() + log_prob(run, x, c));
        }
        return torch::stack(columns, 1);
    }
    /// log p(x) as fitted to the rows whose label was hidden: the network's answer to another
    /// question, so close to the sum over y and not equal to it.
    static Tensor given_none(const OpenedRun& run, const Tensor& x) { return log_prob(run, x, {}); }

    /// The mean over rows of |mean of what was said - share of what came|, in bins of P(Y = 1 | X).
    static double calibration_error(const Tensor& said, const Tensor& came) {
        constexpr std::int64_t bins = 20;
        const Tensor bin = (said * bins).floor().clamp(0, bins - 1).to(torch::kLong);
        const Tensor off = came.to(torch::kDouble) - said;
        return torch::zeros({bins}, torch::kDouble)
                   .index_add(0, bin, off)
                   .abs()
                   .sum()
                   .item<double>() /
               static_cast<double>(said.size(0));
    }

    /// The integral over x of P(x, y) by the trapezoidal rule, [2].
    static Tensor masses(const OpenedRun& run, const Tensor& share) {
        const Affine& units = run.description.scaling.x();
        const std::int64_t n = 50001;
        const double reach = 12 * units.scale[0];
        const Tensor x =
            torch::linspace(units.shift[0] - reach, units.shift[0] + reach, n, torch::kDouble);
        return log_joint(run, share, x.unsqueeze(1)).exp().sum(0) *
               (2 * reach / static_cast<double>(n - 1));
    }

    /// Samples of the joint with y left out: how many of each class is a draw from P(Y).
    double distance_of_samples(const OpenedRun& run, const Tensor& share,
                               std::uint64_t seed) const {
        const std::int64_t n = 100000;
        Condition c;
        c.value["label"] =
            (Rng(seed).split(8).uniform({n}, torch::kDouble) >= share[0]).to(torch::kLong);
        const Tensor x =
            draw_samples(*run.model, run.description.scaling, n, c, seed, 20000, run.device)
                .x.to(torch::kDouble)
                .contiguous();
        const NormalMixture law = p_.law();
        return ks_distance({x.data_ptr<double>(), x.data_ptr<double>() + n},
                           [&](double at) { return law.cdf(at); });
    }

    TwoNormals p_{0.5, 1, 1};
};

}  // namespace

std::unique_ptr<Claim> make_class_conditional_density() {
    return std::make_unique<ClassConditionalDensity>();
}

}  // namespace pushforward
