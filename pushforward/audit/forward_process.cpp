#include "pushforward/audit/forward_process.hpp"

#include "pushforward/audit/denoising_truth.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/training/run.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace pushforward {
namespace {

struct Parameters : Options {
    double lambda = 4;
    std::int64_t steps = 1000, learned_steps = 100;
    std::string schedule = "linear";

    void visit(Fields& f) override {
        f.number("lambda", lambda,
                 {.doc = "variance of the data", .low = 0.01, .high = 100, .open_low = false});
        f.integer("steps", steps, {.doc = "noise levels T of the chain", .low = 50, .high = 10000});
        f.integer("learned_steps", learned_steps,
                  {.doc = "noise levels of the shorter chain that a network is asked about: its "
                          "levels lie far enough apart to be told from their neighbours",
                   .low = 50,
                   .high = 10000});
        f.choice("schedule", schedule, {"linear", "cosine"}, {.doc = "how the noise grows"});
    }
};

/// KL(N(0, 1 + d) || N(0, 1)).
double kl_to_normal(double d) {
    return (d - std::log1p(d)) / 2;
}

std::string chain_name(std::int64_t steps) {
    return text("chain-", steps);
}

class ForwardProcess : public Claim {
public:
    Options& parameters() override { return p_; }

    std::vector<PlannedRun> runs(std::uint64_t seed) const override {
        PF_CHECK(p_.lambda != 1, "lambda", "a variance other than 1 (N(0, 1) stays what it is)",
                 p_.lambda);
        std::vector<PlannedRun> all;
        for (const std::int64_t steps : lengths()) {
            const std::int64_t updates = steps == p_.learned_steps ? 6000 : 100;
            all.push_back(
                {chain_name(steps), gaussian_recipe(p_.lambda, p_.schedule, steps, updates, seed)});
        }
        return all;
    }

    std::vector<Check> measure(const RunFolders& runs, std::uint64_t seed) const override {
        std::vector<Check> checks;
        for (const std::int64_t steps : lengths()) {
            const OpenedRun run = open_run(runs.at(chain_name(steps)).string());
            const Denoiser& model = *run.model->denoiser();
            const NoiseChain truth = noise_chain(p_.schedule, steps);
            auto add = [&](Check check) {
                check.name += text(", T = ", steps);
                checks.push_back(std::move(check));
            };
            add(final_level(model, truth));
            add(iterated_against_closed(model, truth, Rng(seed).split(1)));
            for (auto& check : fall(model, truth)) add(std::move(check));
            if (steps == p_.learned_steps)
                for (auto& check : learned_levels(model, truth)) add(std::move(check));
        }
        return checks;
    }

private:
    std::vector<std::int64_t> lengths() const {
        if (p_.steps == p_.learned_steps) return {p_.steps};
        return {p_.steps, p_.learned_steps};
    }

    /// The model's path at every step 0..T: alpha and sigma in float64.
    static Level path_of(const Denoiser& model, std::int64_t steps) {
        return model.path().at(torch::arange(steps + 1, torch::kDouble) /
                               static_cast<double>(steps));
    }

    static Check final_level(const Denoiser& model, const NoiseChain& truth) {
        const double expected = truth.abar.back();
        const double measured = path_of(model, truth.steps()).alpha[-1].square().item<double>();
        return {"abar_T", expected, measured, 0, expected * (1 - 1e-6), expected * (1 + 1e-6)};
    }

    /// Noise added step by step with the truth's betas; what the model's closed form makes of it,
    /// (x_k - alpha_k x0) / sigma_k, must be standard normal at every step looked at.
    Check iterated_against_closed(const Denoiser& model, const NoiseChain& truth, Rng rng) const {
        constexpr std::int64_t n = 20000;
        const auto T = truth.steps();
        std::vector<std::int64_t> looked_at = {1, 2, 3, T / 10, T / 2, T};
        const Level path = path_of(model, T);
        const Tensor x0 = std::sqrt(p_.lambda) * rng.normal({n}, torch::kDouble);
        Tensor x = x0;
        double least = 1;
        for (std::int64_t k = 1; k <= T; ++k) {
            const double beta = truth.beta[static_cast<std::size_t>(k)];
            x = std::sqrt(1 - beta) * x + std::sqrt(beta) * rng.normal({n}, torch::kDouble);
            if (std::find(looked_at.begin(), looked_at.end(), k) == looked_at.end()) continue;
            const Tensor z = (x - path.alpha[k] * x0) / path.sigma[k];
            const double distance =
                ks_distance({z.data_ptr<double>(), z.data_ptr<double>() + n}, normal_cdf);
            least = std::min(least, kolmogorov_p(distance, n));
        }
        const double p =
            std::min(1.0, least * static_cast<double>(looked_at.size()));  // Bonferroni
        return {"Kolmogorov-Smirnov p, iterated against closed form",
                0.01,
                p,
                0,
                0.01,
                std::numeric_limits<double>::infinity()};
    }

    /// KL(q_k || N(0, 1)) by the model's path, k = 0..T.
    std::vector<Check> fall(const Denoiser& model, const NoiseChain& truth) const {
        const Level path = path_of(model, truth.steps());
        const Tensor excess =
            path.alpha.square() * p_.lambda + path.sigma.square() - 1;  // variance - 1
        double before = std::numeric_limits<double>::infinity(), rises = 0;
        for (std::int64_t k = 0; k <= truth.steps(); ++k) {
            const double now = kl_to_normal(excess[k].item<double>());
            rises += now < before ? 0 : 1;
            before = now;
        }
        return {{"steps at which KL(q_t || N(0, 1)) does not fall", 0, rises, 0, 0, 0},
                {"KL(q_T || N(0, 1))", kl_to_normal(truth.abar.back() * (p_.lambda - 1)), before, 0,
                 0, 1e-4}};
    }

    /// What the network takes for sigma^2 / alpha^2. Its predictions of x0 and epsilon are linear
    /// in x, g x and s x; the optimal ones have s / g = sigma / (alpha lambda).
    std::vector<Check> learned_levels(const Denoiser& model, const NoiseChain& truth) const {
        constexpr std::int64_t n = 2000;
        std::vector<double> quantiles;
        for (std::int64_t i = 0; i < n; ++i)
            quantiles.push_back(normal_quantile((static_cast<double>(i) + 0.5) / n));
        const Tensor z = torch::tensor(quantiles, torch::kDouble).unsqueeze(1);
        std::vector<Check> checks;
        for (const std::int64_t part : {5, 3, 2}) {
            const std::int64_t k = truth.steps() / part;
            const double abar = truth.abar[static_cast<std::size_t>(k)];
            const Tensor x = std::sqrt(abar * p_.lambda + 1 - abar) * z;
            const Tensor t = torch::full(
                {n}, static_cast<double>(k) / static_cast<double>(truth.steps()), torch::kDouble);
            const torch::NoGradGuard no_grad;
            const Tensor x0 = model.predict_x0(x.to(torch::kFloat), t, {}).x0.to(torch::kDouble);
            const Level level = model.path().at(t.slice(0, 0, 1));
            const Tensor eps = (x - level.alpha * x0) / level.sigma;
            const double ratio = ((x * eps).sum() / (x * x0).sum()).item<double>();
            const double measured = ratio * ratio * p_.lambda * p_.lambda;
            const double expected = (1 - abar) / abar;
            checks.push_back({text("noise to signal learned at step ", k), expected, measured, 0,
                              0.95 * expected, 1.05 * expected});
        }
        return checks;
    }

    Parameters p_;
};

}  // namespace

std::unique_ptr<Claim> make_forward_process() {
    return std::make_unique<ForwardProcess>();
}

}  // namespace pushforward
