#include "pushforward/audit/entropy_production.hpp"

#include "pushforward/audit/denoising_truth.hpp"
#include "pushforward/audit/mixture_truth.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/training/run.hpp"

#include <torch/types.h>

#include <cmath>
#include <numbers>

namespace pushforward {
namespace {

class EntropyProduction : public Claim {
public:
    Options& parameters() override { return p_; }

    std::vector<PlannedRun> runs(std::uint64_t seed) const override {
        return {{"score", text("[data]\nsource = \"", p_.data(200000, seed), R"("
validation = 0.0
scale = false
[model]
name = "score_sde"
process = "vp"
prediction = "v"
[model.network]
name = "mlp"
width = 64
layers = 3
features = 0
)",
                               cosine_training({.steps = 4000,
                                                .batch = 2048,
                                                .learning_rate = "2e-3",
                                                .warmup = 100,
                                                .half_life = 200}))}};
    }

    std::vector<Check> measure(const RunFolders& runs, std::uint64_t seed) const override {
        const torch::NoGradGuard no_grad;
        const OpenedRun run = open_run(runs.at("score").string());
        const std::int64_t n = 400000;
        const Tensor x0 = all_of(p_.data(n, seed + 1000));
        // times even in (t_min, 1), an item each; [0, t_min] counts with its end's score
        const Tensor t = Vp::t_min + (1 - Vp::t_min) * (torch::arange(n, torch::kDouble) + 0.5) /
                                         static_cast<double>(n);
        const Tensor integral = (0.1 * t + 19.9 / 2 * t.square()).unsqueeze(1);
        const Tensor alpha = (-0.5 * integral).exp(), sigma = (-torch::expm1(-integral)).sqrt();
        Noised batch;
        batch.x0 = x0;
        batch.alpha = alpha;
        batch.sigma = sigma;
        batch.eps = Rng(seed).split(3).normal(x0.sizes(), torch::kDouble);
        batch.x = alpha * x0 + sigma * batch.eps;
        batch.time = t;
        const Tensor score = -believed_epsilon(*run.model->denoiser(), batch, 20000) / sigma;
        const Tensor beta = 0.1 + 19.9 * t;
        // |x|^2 less its mean given x0 takes out most of the spread: the score is near -x
        const Tensor known = (batch.x.square() - (alpha * x0).square() - sigma.square()).sum(1);
        const Tensor rate = 0.5 * beta * (score.square().sum(1) - 1 - known);
        const Mean produced = mean_of((1 - Vp::t_min) * rate);
        const double begun = Vp::t_min * rate.slice(0, 0, n / 1000).mean().item<double>();
        const double last = 0.5 * (std::log(2 * std::numbers::pi) + 1);
        const double expected = p_.law().entropy();
        return {{"entropy of the data, nats", expected, last - produced.value - begun,
                 produced.standard_error, expected - 0.03, expected + 0.03}};
    }

private:
    TwoNormals p_;
};

}  // namespace

std::unique_ptr<Claim> make_entropy_production() {
    return std::make_unique<EntropyProduction>();
}

}  // namespace pushforward
