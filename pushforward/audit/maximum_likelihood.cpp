#include "pushforward/audit/maximum_likelihood.hpp"

#include "pushforward/audit/denoising_truth.hpp"
#include "pushforward/audit/two_normals.hpp"
#include "pushforward/base/errors.hpp"

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
        const Mean of_normal = short_of_law(normal, seed);
        const Mean of_flow = short_of_law(open_run(runs.at("flow").string()), seed);
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
)",
                    cosine_training({.steps = 3000,
                                     .batch = 16384,
                                     .learning_rate = "5e-3",
                                     .warmup = 50,
                                     .half_life = 100}));
    }

    Mean short_of_law(const OpenedRun& run, std::uint64_t seed) const {
        return short_of(p_, run, 1, 400000, seed + 1000);
    }

    TwoNormals p_{0.7, 3, 1};
};

}  // namespace

std::unique_ptr<Claim> make_maximum_likelihood() {
    return std::make_unique<MaximumLikelihood>();
}

}  // namespace pushforward
