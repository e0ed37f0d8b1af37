#include "pushforward/audit/annealing.hpp"

#include "pushforward/audit/denoising_truth.hpp"
#include "pushforward/audit/mixture_truth.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/json.hpp"
#include "pushforward/samplers/guidance.hpp"
#include "pushforward/samplers/langevin.hpp"
#include "pushforward/samplers/solvers.hpp"
#include "pushforward/samplers/time_grid.hpp"
#include "pushforward/training/run.hpp"

#include <torch/types.h>

#include <cmath>

namespace pushforward {
namespace {

class Annealing : public Claim {
public:
    Options& parameters() override { return p_; }

    std::vector<PlannedRun> runs(std::uint64_t seed) const override {
        return {{"exploding", text("[data]\nsource = \"", p_.data(200000, seed, 2), R"("
validation = 0.0
scale = false
[model]
name = "score_sde"
process = "ve"
prediction = "v"
sigma_min = 0.1
sigma_max = )",
                                   number_text(4 * p_.mean), R"(
[model.network]
name = "mlp"
width = 128
layers = 3
features = 0
)",
                                   cosine_training({.steps = 5000,
                                                    .batch = 1024,
                                                    .learning_rate = "2e-3",
                                                    .warmup = 100,
                                                    .half_life = 200}))}};
    }

    std::vector<Check> measure(const RunFolders& runs, std::uint64_t seed) const override {
        const torch::NoGradGuard no_grad;
        const OpenedRun run = open_run(runs.at("exploding").string());
        const Denoiser& model = *run.model->denoiser();
        const Denoise denoise = guided(model, {}, {});
        const std::int64_t n = 10000;
        Rng rng = Rng(seed).split(1);
        const double reach = 8. / 5 * p_.mean;
        const Tensor start = reach * (2 * rng.uniform({n, 2}) - 1);

        const auto times = time_grid(model.path(), Grid::log_snr, 30);
        const Tensor annealed =
            annealed_langevin(denoise, model.path(), start, times, 40, 0.3, rng);
        // The data's score, nearly clean: with noise a third of the normals' deviation.
        const double t = time_at_log_snr(model.path(), -std::log(p_.deviation / 3));
        const double step = 0.1 * p_.deviation * p_.deviation;
        const LevelAt level = level_at(model.path(), t);
        const Score score = [&](const Tensor& x) {
            return (level.alpha * denoise_at(denoise, x, t).x0 - x) / (level.sigma * level.sigma);
        };
        // Half of its rows begin around each mean, within two deviations.
        const Tensor side =
            p_.mean * (2 * torch::arange(n, torch::kFloat).remainder(2) - 1).unsqueeze(1);
        const Tensor around = side + 2 * p_.deviation * (2 * rng.uniform({n, 2}) - 1);
        const Tensor plain = langevin(score, around, step, 1200, rng);

        const auto left = [&](const Tensor& x) {
            return (x.sum(1) < 0).to(torch::kDouble).mean().item<double>();
        };
        const auto error = [&](double w) {
            return std::sqrt(w * (1 - w) / static_cast<double>(n));
        };
        const Tensor near =
            ((annealed.abs() - p_.mean).square().sum(1) < 16 * p_.deviation * p_.deviation)
                .to(torch::kDouble);
        const double kept = near.mean().item<double>();
        return {{"annealed: weight of the left normal", p_.weight, left(annealed), error(p_.weight),
                 p_.weight - 0.03, p_.weight + 0.03},
                {"annealed: share within four deviations of a mean", 1, kept, error(kept), 0.97, 1},
                {"plain, from equal weights: weight of the left normal", 0.5, left(plain),
                 error(0.5), 0.45, 0.55}};
    }

private:
    TwoNormals p_{0.2, 5, 1};
};

}  // namespace

std::unique_ptr<Claim> make_annealing() {
    return std::make_unique<Annealing>();
}

}  // namespace pushforward
