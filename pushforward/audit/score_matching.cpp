#include "pushforward/audit/score_matching.hpp"

#include "pushforward/audit/denoising_truth.hpp"
#include "pushforward/audit/mixture_truth.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/json.hpp"
#include "pushforward/training/run.hpp"

#include <torch/types.h>

#include <cmath>

namespace pushforward {
namespace {

struct Parameters : Options {
    double variance_x = 1, variance_y = 0.5, correlation = 0.6;

    void visit(Fields& f) override {
        f.number("variance_x", variance_x, {.doc = "of the first number", .low = 0.1, .high = 4});
        f.number("variance_y", variance_y, {.doc = "of the second", .low = 0.1, .high = 4});
        f.number("correlation", correlation, {.doc = "of the two", .low = -0.95, .high = 0.95});
    }
};

class ScoreMatchingClaim : public Claim {
public:
    Options& parameters() override { return p_; }

    std::vector<PlannedRun> runs(std::uint64_t seed) const override {
        return {{"denoising", recipe("name = \"denoising\"", seed)},
                {"explicit", recipe("name = \"denoising\"\nreference = 4096", seed)},
                {"implicit", recipe("name = \"score_matching\"\ntrace = \"implicit\"", seed)},
                {"sliced", recipe("name = \"score_matching\"\ntrace = \"sliced\"", seed)}};
    }

    std::vector<Check> measure(const RunFolders& runs, std::uint64_t seed) const override {
        const torch::NoGradGuard no_grad;
        std::vector<Check> checks;
        for (const auto& [name, folder] : runs) {
            const OpenedRun run = open_run(folder.string());
            for (const double t : {0.1, 0.5}) {
                const Seen seen = look(*run.model->denoiser(), t, seed);
                const std::string at =
                    text(name, " at sigma = ", number_text(round3(Vp::sigma(t))));
                const Tensor exact = precision(t);
                const double error =
                    ((seen.precision - exact).norm() / exact.norm()).item<double>();
                checks.push_back({at + ": error of the precision", 0, error, 0, 0, 0.02});
                const double constant =
                    2 / (Vp::sigma(t) * Vp::sigma(t)) - exact.trace().item<double>();
                const double band = 4 * seen.gap.standard_error;
                checks.push_back({at + ": denoising less explicit loss", constant, seen.gap.value,
                                  seen.gap.standard_error, constant - band, constant + band});
            }
        }
        return checks;
    }

private:
    static double round3(double x) { return std::round(1000 * x) / 1000; }

    Tensor covariance() const {
        const double xy = p_.correlation * std::sqrt(p_.variance_x * p_.variance_y);
        return torch::tensor({p_.variance_x, xy, xy, p_.variance_y}, torch::kDouble).view({2, 2});
    }
    /// (alpha^2 C + sigma^2)^-1.
    Tensor precision(double t) const {
        const double alpha = Vp::alpha(t), sigma = Vp::sigma(t);
        return torch::linalg_inv(alpha * alpha * covariance() +
                                 sigma * sigma * torch::eye(2, torch::kDouble));
    }

    std::string data(std::int64_t n, std::uint64_t seed) const {
        const Tensor c = covariance().flatten();
        std::string numbers;
        for (int i = 0; i < 4; ++i) numbers += (i ? "," : "") + number_text(c[i].item<double>());
        return text("sim:normal?mean=0,0&covariance=", numbers, "&n=", n, "&seed=", seed);
    }

    std::string recipe(const std::string& objective, std::uint64_t seed) const {
        return text("[data]\nsource = \"", data(200000, seed), R"("
validation = 0.0
scale = false
[model]
name = "score_sde"
process = "vp"
prediction = "v"
[model.network]
name = "mlp"
width = 64
layers = 2
features = 0
[objective]
)",
                    objective, "\n",
                    cosine_training({.steps = 6000,
                                     .batch = 2048,
                                     .learning_rate = "2e-3",
                                     .warmup = 100,
                                     .half_life = 300}));
    }

    struct Seen {
        Tensor precision;  ///< P that fits score = -P x best
        Mean gap;          ///< E |s + eps / sigma|^2 - E |s - s*|^2
    };
    Seen look(const Denoiser& model, double t, std::uint64_t seed) const {
        const std::int64_t n = 200000;
        Noised batch;
        batch.x0 = all_of(data(n, seed + 1000));
        batch.alpha = torch::full({n, 1}, Vp::alpha(t), torch::kDouble);
        batch.sigma = torch::full({n, 1}, Vp::sigma(t), torch::kDouble);
        batch.eps = Rng(seed).split(3).normal({n, 2}, torch::kDouble);
        batch.x = batch.alpha * batch.x0 + batch.sigma * batch.eps;
        batch.time = torch::full({n}, t, torch::kDouble);
        const Tensor score = -believed_epsilon(model, batch, 50000) / batch.sigma;
        const Tensor exact = -batch.x.matmul(precision(t));
        const Tensor gap =
            (score + batch.eps / batch.sigma).square().sum(1) - (score - exact).square().sum(1);
        const Tensor moments = batch.x.t().matmul(batch.x);
        return {-torch::linalg_solve(moments, batch.x.t().matmul(score)), mean_of(gap)};
    }

    Parameters p_;
};

}  // namespace

std::unique_ptr<Claim> make_score_matching_claim() {
    return std::make_unique<ScoreMatchingClaim>();
}

}  // namespace pushforward
