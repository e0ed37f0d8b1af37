#include "pushforward/audit/variational_bound.hpp"

#include "pushforward/audit/denoising_truth.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/json.hpp"
#include "pushforward/training/run.hpp"
#include "pushforward/training/scoring.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

namespace pushforward {
namespace {

struct Parameters : Options {
    std::int64_t steps = 1000;
    std::string schedule = "linear";
    double lambda = 0.25;

    void visit(Fields& f) override {
        f.integer("steps", steps, {.doc = "noise levels T of the chain", .low = 50, .high = 10000});
        f.choice("schedule", schedule, {"linear", "cosine"}, {.doc = "how the noise grows"});
        f.number("lambda", lambda,
                 {.doc = "variance of the data whose reverse variance is learnt",
                  .low = 0.05,
                  .high = 4});
    }
};

/// Var[x0 | x_k] of N(0, lambda).
double variance_given(const NoiseChain& chain, std::size_t k, double lambda) {
    const double noise = 1 - chain.abar[k];
    return lambda * noise / (chain.abar[k] * lambda + noise);
}

/// The bound in nats of N(0, lambda) with the optimal predictor.
double optimal_bound(const NoiseChain& chain, double lambda, bool forward_variance) {
    const double last = chain.abar.back();
    double nats = 0.5 * lambda * last / (1 - last);
    for (std::size_t k = 2; k < chain.abar.size(); ++k) {
        const double noise = 1 - chain.abar[k], before = 1 - chain.abar[k - 1];
        const double posterior = chain.beta[k] * before / noise;
        const double reverse = forward_variance ? chain.beta[k] : posterior;
        const double weight = std::sqrt(chain.abar[k - 1]) * chain.beta[k] / noise;
        const double ratio = posterior / reverse;
        nats += 0.5 * (ratio - 1 - std::log(ratio) +
                       weight * weight * variance_given(chain, k, lambda) / reverse);
    }
    const double first = variance_given(chain, 1, lambda) / chain.beta[1];
    return nats + 0.5 * (std::log(2 * std::numbers::pi * chain.beta[1]) + first);
}

/// The entropy of N(0, lambda) in nats.
double entropy(double lambda) {
    return 0.5 * (std::log(2 * std::numbers::pi * lambda) + 1);
}

class VariationalBoundClaim : public Claim {
public:
    Options& parameters() override { return p_; }

    std::vector<PlannedRun> runs(std::uint64_t seed) const override {
        return {{"normal", gaussian_recipe(1, p_.schedule, p_.steps, 3000, seed)},
                {"learned", gaussian_recipe(p_.lambda, p_.schedule, p_.steps, 6000, seed,
                                            "\nlearn_variance = true")}};
    }

    std::vector<Check> measure(const RunFolders& runs, std::uint64_t seed) const override {
        const OpenedRun run = open_run(runs.at("normal").string());
        const NoiseChain chain = noise_chain(p_.schedule, p_.steps);
        std::vector<Check> checks;
        for (const bool forward : {true, false}) {
            const Mean nats = mean_of(lost(run, 1, forward ? "bound_forward" : "bound", seed));
            const double expected = optimal_bound(chain, 1, forward);
            const double error = 4 * nats.standard_error;
            checks.push_back(
                {text("bound in nats, ", forward ? "forward" : "posterior", " variance"), expected,
                 entropy(1) + nats.value, nats.standard_error, expected - error,
                 expected + 0.02 + error});
        }
        for (Check& check : learned(runs.at("learned"), chain, seed))
            checks.push_back(std::move(check));
        return checks;
    }

private:
    /// What a bound loses of each of 10,000 items of N(0, lambda): log p(x), which is known, less
    /// the bound.
    static Tensor lost(const OpenedRun& run, double lambda, const std::string& bound,
                       std::uint64_t seed) {
        ScoreRequest request;
        request.data =
            text("sim:mixture?dimension=1&means=0&sigma=", number_text(std::sqrt(lambda)),
                 "&n=10000&seed=", seed + 1);
        request.estimator = bound;
        request.seed = seed;
        request.batch = 10000;
        const Tensor x = all_of(request.data);
        const Tensor exact =
            -0.5 * (x.square().sum(1) / lambda + std::log(2 * std::numbers::pi * lambda));
        return exact - score_run(run, request).log_prob;
    }

    /// With the exact variance the reverse chain of normal data is exact: nothing is lost but the
    /// prior's term, below 1e-4 nats. The variance of p(x_{k-1} | x_k) is beta~_k + m^2 lambda (1 -
    /// abar_k) / (abar_k lambda + 1 - abar_k), m = sqrt(abar_{k-1}) beta_k / (1 - abar_k).
    std::vector<Check> learned(const std::filesystem::path& folder, const NoiseChain& chain,
                               std::uint64_t seed) const {
        const OpenedRun run = open_run(folder.string());
        const torch::NoGradGuard no_grad;
        double worst = 0;
        for (std::int64_t step = 1; step <= p_.steps; step *= 2) {
            const auto k = static_cast<std::size_t>(step);
            const double abar = chain.abar[k], noise = 1 - abar, before = 1 - chain.abar[k - 1];
            const double share = std::sqrt(chain.abar[k - 1]) * chain.beta[k] / noise;
            const auto reverse = [&](const Tensor& of_x0) {
                return chain.beta[k] * before / noise + share * share * of_x0;
            };
            const std::int64_t n = 20000;
            const Tensor x = std::sqrt(abar * p_.lambda + noise) *
                             Rng(seed).split(5).split(k).normal({n, 1}, torch::kFloat);
            const Tensor t = torch::full(
                {1}, static_cast<double>(step) / static_cast<double>(p_.steps), torch::kDouble);
            const Tensor said = run.model->denoiser()->predict_x0(x, t, {}).variance;
            const Tensor exact =
                torch::full({1}, variance_given(chain, k, p_.lambda), torch::kDouble);
            const double ratio =
                (reverse(said.to(torch::kDouble)).mean() / reverse(exact)).item<double>();
            worst = std::max(worst, std::abs(ratio - 1));
        }
        const Tensor own = lost(run, p_.lambda, "bound_learned", seed);
        const Mean nats = mean_of(own);
        const double error = 4 * nats.standard_error;
        std::vector<Check> checks = {
            {"learnt reverse variance, worst relative error", 0, worst, 0, 0, 0.03},
            {"bound with the learnt variance less the entropy, nats", 0, nats.value,
             nats.standard_error, -error, 0.02 + error}};
        for (const bool forward : {true, false}) {
            const Mean more =
                mean_of(lost(run, p_.lambda, forward ? "bound_forward" : "bound", seed) - own);
            checks.push_back({text("nats that the ", forward ? "forward" : "posterior",
                                   " variance loses beside it"),
                              optimal_bound(chain, p_.lambda, forward) - entropy(p_.lambda),
                              more.value, more.standard_error, -3 * more.standard_error,
                              std::numeric_limits<double>::infinity()});
        }
        return checks;
    }

    Parameters p_;
};

}  // namespace

std::unique_ptr<Claim> make_variational_bound() {
    return std::make_unique<VariationalBoundClaim>();
}

}  // namespace pushforward
