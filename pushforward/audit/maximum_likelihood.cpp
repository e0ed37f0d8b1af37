#include "pushforward/audit/maximum_likelihood.hpp"

#include "pushforward/audit/denoising_truth.hpp"
#include "pushforward/audit/mixture_truth.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/training/run.hpp"
#include "pushforward/training/scoring.hpp"

#include <torch/types.h>

#include <cmath>
#include <numbers>

namespace pushforward {
namespace {

class MaximumLikelihood : public Claim {
public:
    Options& parameters() override { return p_; }

    std::vector<PlannedRun> runs(std::uint64_t seed) const override {
        return {{"normal", recipe("name = \"mixture\"\ncomponents = 1", seed)},
                {"flow", recipe("name = \"spline\"\ntransforms = 3\nbins = 16", seed)}};
    }

    std::vector<Check> measure(const RunFolders& runs, std::uint64_t seed) const override {
        const OpenedRun normal = open_run(runs.at("normal").string());
        const NormalMixture law = p_.law();
        const double mean = law.mean(), deviation = law.deviation();
        const double entropy = law.entropy();
        // KL(law || N(mean, deviation^2)) = -entropy + log deviation + log(2 pi e) / 2
        const double kl =
            std::log(deviation) + 0.5 * std::log(2 * std::numbers::pi * std::numbers::e) - entropy;
        // the fitted normal's density at three points gives its mean and deviation
        const Tensor at = torch::tensor({mean - deviation, mean, mean + deviation}, torch::kFloat);
        const Tensor log_p = normal.model->density()
                                 ->log_prob(at.view({3, 1}), {}, "exact", Rng(0))
                                 .to(torch::kDouble);
        const double low = log_p[0].item<double>(), middle = log_p[1].item<double>(),
                     high = log_p[2].item<double>();
        const double variance = deviation * deviation / (2 * middle - low - high);
        const double fitted_mean = mean + variance * (high - low) / (2 * deviation);
        const Mean of_normal = short_of(normal, seed);
        const Mean of_flow = short_of(open_run(runs.at("flow").string()), seed);
        const double error = 3 * of_normal.standard_error;
        return {{"nats that one normal is short of the law: KL", kl, of_normal.value,
                 of_normal.standard_error, kl - 0.005 - error, kl + 0.005 + error},
                {"its mean", mean, fitted_mean, 0, mean - 0.01, mean + 0.01},
                {"its deviation", deviation, std::sqrt(variance), 0, deviation - 0.01,
                 deviation + 0.01},
                {"nats that a spline flow is short of the law", 0, of_flow.value,
                 of_flow.standard_error, -4 * of_flow.standard_error, 0.01}};
    }

private:
    /// The mean's own error is three thousandths at most: the batch of the last, slow steps
    /// decides.
    std::string recipe(const std::string& model, std::uint64_t seed) const {
        return text("[data]\nsource = \"", p_.data(5000000, seed),
                    "\"\nvalidation = 0.0\nscale = false\n[model]\n", model, R"(
[objective]
name = "likelihood"
[train]
steps = 3000
batch = 16384
learning_rate = 5e-3
schedule = "cosine"
warmup = 50
ema_half_life = 100
precision = "float32"
)",
                    weights_only_training);
    }

    /// log p of fresh points under the law less under the model; its mean estimates a KL, and the
    /// difference of two log-densities varies less than either.
    Mean short_of(const OpenedRun& run, std::uint64_t seed) const {
        ScoreRequest request;
        request.data = p_.data(400000, seed + 1000);
        request.seed = seed;
        request.batch = 20000;
        const Tensor x = all_of(request.data).squeeze(1);
        const NormalMixture law = p_.law();
        Tensor exact = torch::empty_like(x);
        for (std::int64_t i = 0; i < x.size(0); ++i)
            exact.data_ptr<double>()[i] = std::log(law.density(x.data_ptr<double>()[i]));
        return mean_of(exact - score_run(run, request).log_prob);
    }

    TwoNormals p_{0.7, 3, 1};
};

}  // namespace

std::unique_ptr<Claim> make_maximum_likelihood() {
    return std::make_unique<MaximumLikelihood>();
}

}  // namespace pushforward
