#include "pushforward/audit/variational_bound.hpp"

#include "pushforward/audit/denoising_truth.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/training/run.hpp"
#include "pushforward/training/scoring.hpp"

#include <torch/types.h>

#include <cmath>
#include <numbers>

namespace pushforward {
namespace {

struct Parameters : Options {
    std::int64_t steps = 1000;
    std::string schedule = "linear";

    void visit(Fields& f) override {
        f.integer("steps", steps, {.doc = "noise levels T of the chain", .low = 50, .high = 10000});
        f.choice("schedule", schedule, {"linear", "cosine"}, {.doc = "how the noise grows"});
    }
};

/// The bound in nats with the optimal predictor: x_k is N(0, 1) for every k, E[x0 | x_k] =
/// sqrt(abar_k) x_k, and E |x0 - E[x0 | x_k]|^2 = 1 - abar_k.
double optimal_bound(const NoiseChain& chain, bool forward_variance) {
    const double last = chain.abar.back();
    double nats = 0.5 * last / (1 - last);
    for (std::size_t k = 2; k < chain.abar.size(); ++k) {
        const double noise = 1 - chain.abar[k], before = 1 - chain.abar[k - 1];
        const double posterior = chain.beta[k] * before / noise;
        const double reverse = forward_variance ? chain.beta[k] : posterior;
        const double weight = std::sqrt(chain.abar[k - 1]) * chain.beta[k] / noise;
        const double ratio = posterior / reverse;
        nats += 0.5 * (ratio - 1 - std::log(ratio) + weight * weight * noise / reverse);
    }
    return nats + 0.5 * (std::log(2 * std::numbers::pi * chain.beta[1]) + 1);
}

class VariationalBoundClaim : public Claim {
public:
    Options& parameters() override { return p_; }

    std::vector<PlannedRun> runs(std::uint64_t seed) const override {
        return {{"normal", gaussian_recipe(1, p_.schedule, p_.steps, 3000, seed)}};
    }

    std::vector<Check> measure(const RunFolders& runs, std::uint64_t seed) const override {
        const OpenedRun run = open_run(runs.at("normal").string());
        const NoiseChain chain = noise_chain(p_.schedule, p_.steps);
        std::vector<Check> checks;
        for (const bool forward : {true, false}) {
            ScoreRequest request;
            request.data = text("sim:mixture?dimension=1&means=0&sigma=1&n=10000&seed=", seed + 1);
            request.estimator = forward ? "bound_forward" : "bound";
            request.seed = seed;
            request.batch = 10000;
            // The items' own log-densities are known: their spread is taken out of the mean.
            const double two_pi = 2 * std::numbers::pi;
            const Tensor x = all_of(request.data);
            const Tensor exact = -0.5 * (x.square().sum(1) + std::log(two_pi));
            const Mean nats = mean_of(exact - score_run(run, request).log_prob);
            const double entropy = 0.5 * (std::log(two_pi) + 1);
            const double expected = optimal_bound(chain, forward);
            const double error = 4 * nats.standard_error;
            checks.push_back(
                {text("bound in nats, ", forward ? "forward" : "posterior", " variance"), expected,
                 entropy + nats.value, nats.standard_error, expected - error,
                 expected + 0.02 + error});
        }
        return checks;
    }

private:
    Parameters p_;
};

}  // namespace

std::unique_ptr<Claim> make_variational_bound() {
    return std::make_unique<VariationalBoundClaim>();
}

}  // namespace pushforward
