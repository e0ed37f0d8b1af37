#include "pushforward/audit/flow_likelihood.hpp"

#include "pushforward/audit/denoising_truth.hpp"
#include "pushforward/audit/ring_truth.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/json.hpp"
#include "pushforward/training/run.hpp"
#include "pushforward/training/scoring.hpp"

#include <torch/types.h>

#include <cmath>
#include <numbers>

namespace pushforward {
namespace {

/// log density of equal normals of deviation `sigma` at the points of the ring, [N, 2] -> [N].
Tensor ring_log_prob(const RingTruth& p, double sigma, const Tensor& x) {
    const Tensor square = (x.unsqueeze(1) - p.centres()).square().sum(2);
    return torch::logsumexp(-0.5 * square / (sigma * sigma), 1) -
           std::log(2 * std::numbers::pi * sigma * sigma * static_cast<double>(p.modes));
}

class FlowLikelihood : public Claim {
public:
    Options& parameters() override { return p_; }

    std::vector<PlannedRun> runs(std::uint64_t seed) const override {
        return {{"ring", text("[data]\nsource = \"", p_.data(200000, seed),
                              R"("
validation = 0.0
[model]
name = "edm"
sigma_min = 0.01
sigma_max = 20.0
[model.network]
name = "mlp"
width = 160
)",
                              cosine_training({.steps = 4000,
                                               .batch = 512,
                                               .learning_rate = "2e-3",
                                               .warmup = 100,
                                               .half_life = 100}))}};
    }

    std::vector<Check> measure(const RunFolders& runs, std::uint64_t seed) const override {
        const OpenedRun run = open_run(runs.at("ring").string());
        return {gap(run, seed), integral(run, seed), hutchinson(run, seed)};
    }

private:
    static Scores score(const OpenedRun& run, const std::string& data, const char* estimator,
                        std::uint64_t seed) {
        ScoreRequest request;
        request.data = data;
        request.estimator = estimator;
        request.seed = seed;
        request.batch = 10000;
        return score_run(run, request);
    }
    /// KL(data || model) by 10,000 fresh points.
    Check gap(const OpenedRun& run, std::uint64_t seed) const {
        const std::string data = p_.data(10000, seed + 1000);
        const Tensor exact = ring_log_prob(p_, p_.sigma, all_of(data));
        const Mean gap = mean_of(exact - score(run, data, "ode_exact", seed).log_prob);
        return {"exact log-density less the model's, nats",
                0,
                gap.value,
                gap.standard_error,
                -4 * gap.standard_error,
                0.10};
    }

    /// The integral of the model's density over the plane, by importance sampling: half of the
    /// points from a ring twice as wide, half from a normal that covers the space between.
    Check integral(const OpenedRun& run, std::uint64_t seed) const {
        const double wide = 2 * p_.sigma, cover = p_.radius;
        const std::int64_t n = 10000;
        std::vector<Tensor> ratios;
        for (const auto& data : std::vector<std::string>{
                 p_.data(n, seed + 2000, wide),
                 text("sim:mixture?dimension=2&means=0,0&sigma=", number_text(cover), "&n=", n,
                      "&seed=", seed)}) {
            const Tensor x = all_of(data);
            const Tensor normal = -0.5 * x.square().sum(1) / (cover * cover) -
                                  std::log(2 * std::numbers::pi * cover * cover);
            const Tensor proposal =
                torch::logaddexp(ring_log_prob(p_, wide, x), normal) - std::log(2.0);
            ratios.push_back((score(run, data, "ode_exact", seed).log_prob - proposal).exp());
        }
        const Mean mass = mean_of(torch::cat(ratios));
        return {"integral of the model's density", 1, mass.value, mass.standard_error, 0.98, 1.02};
    }

    /// The difference of the two traces' answers on the same points.
    Check hutchinson(const OpenedRun& run, std::uint64_t seed) const {
        const std::string data = p_.data(10000, seed + 3000);
        const Mean difference = mean_of(score(run, data, "ode_hutchinson", seed).log_prob -
                                        score(run, data, "ode_exact", seed).log_prob);
        return {"Hutchinson's estimate less the exact trace's, nats",
                0,
                difference.value,
                difference.standard_error,
                -4 * difference.standard_error,
                4 * difference.standard_error};
    }

    RingTruth p_;
};

}  // namespace

std::unique_ptr<Claim> make_flow_likelihood() {
    return std::make_unique<FlowLikelihood>();
}

}  // namespace pushforward
