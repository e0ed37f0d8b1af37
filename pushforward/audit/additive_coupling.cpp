#include "pushforward/audit/additive_coupling.hpp"

#include "pushforward/audit/denoising_truth.hpp"
#include "pushforward/audit/differential.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/json.hpp"
#include "pushforward/core/weights.hpp"
#include "pushforward/math/jacobian.hpp"
#include "pushforward/training/run.hpp"
#include "pushforward/training/scoring.hpp"

#include <torch/nn/module.h>
#include <torch/types.h>

#include <cmath>
#include <numbers>

namespace pushforward {
namespace {

constexpr std::int64_t kDimension = 4;
constexpr const char* kScale = "scale.log_scale";

/// N(0, v ((1 - r) I + r 1 1^T)).
struct Parameters : Options {
    double variance = 2, correlation = 0.6;

    void visit(Fields& f) override {
        f.number("variance", variance, {.doc = "of each number", .low = 0.01, .high = 100});
        f.number("correlation", correlation, {.doc = "of any two", .low = -0.3, .high = 0.95});
    }
    std::string data(std::int64_t n, std::uint64_t seed) const {
        std::string mean, covariance;
        for (std::int64_t i = 0; i < kDimension; ++i) {
            mean += i ? ",0" : "0";
            for (std::int64_t j = 0; j < kDimension; ++j)
                covariance +=
                    (i + j ? "," : "") + number_text(i == j ? variance : variance * correlation);
        }
        return text("sim:normal?mean=", mean, "&covariance=", covariance, "&n=", n, "&seed=", seed);
    }
    double entropy() const {
        constexpr double d = kDimension;
        return 0.5 * (d * std::log(2 * std::numbers::pi * std::numbers::e * variance) +
                      (d - 1) * std::log(1 - correlation) + std::log(1 + (d - 1) * correlation));
    }
};

class AdditiveCoupling : public Claim {
public:
    Options& parameters() override { return p_; }

    std::vector<PlannedRun> runs(std::uint64_t seed) const override {
        return {{"nice", text("[data]\nsource = \"", p_.data(100000, seed), R"("
validation = 0.0
[model]
name = "nice"
width = 64
)",
                              cosine_training({.steps = 1500,
                                               .batch = 512,
                                               .learning_rate = "2e-3",
                                               .warmup = 50,
                                               .half_life = 50}))}};
    }

    std::vector<Check> measure(const RunFolders& runs, std::uint64_t seed) const override {
        const auto folder = runs.at("nice").string();
        const OpenedRun narrow = open_run(folder);
        const OpenedRun wide = open_run(folder, {}, at::kCPU, Precision::float64);
        // rows of the data, and the same five times as far out
        const Tensor rows = wide.description.scaling.to_model(all_of(p_.data(1000, seed + 2000)));
        const Tensor x = torch::cat({rows, 5 * rows});
        const double scale =
            weights_of(wide.model->module()).at(kScale).to(torch::kDouble).sum().item<double>();
        const Tensor z = to_logistic(*wide.model->latent(), x).detach();
        const Tensor base = (torch::log_sigmoid(z) + torch::log_sigmoid(-z)).sum(1);
        const Tensor said = log_density_of(*wide.model->density(), x) - base;
        const Tensor log_det = jacobian_log_det(wide, x);
        move_couplings(*wide.model, seed);
        const Tensor moved = jacobian_log_det(wide, x);

        const double spread = (log_det.max() - log_det.min()).item<double>();
        const double off = worst(log_det, scale);
        const double of_model = worst(said, scale);
        const double after = worst(moved, scale);
        const double inverse = round_trip(*narrow.model->latent(), x.to(torch::kFloat));
        const double entropy = p_.entropy();
        ScoreRequest request;
        request.data = p_.data(50000, seed + 1000);
        request.batch = 10000;
        const Scores scores = score_run(narrow, request);
        return {{"mean log p, which is minus the law's entropy at most", -entropy, scores.mean(),
                 scores.standard_error(), -entropy - 0.1, -entropy + 4 * scores.standard_error()},
                {"Jacobian's log-determinant, largest less smallest", 0, spread, 0, 0, 1e-6},
                {"the same less the sum of the scale's logarithms", 0, off, 0, 0, 1e-6},
                {"the same with all couplings moved at random", 0, after, 0, 0, 1e-6},
                {"the model's own log-determinant less that sum", 0, of_model, 0, 0, 1e-6},
                {"inverse in float32, relative to max(1, |x|)", 0, inverse, 0, 0, 1e-5}};
    }

private:
    /// The numbers that the logistic prior is of: latents are these made normal.
    static Tensor to_logistic(const Latent& latent, const Tensor& x) {
        const Tensor n = latent.encode(x, {}, Rng(0)).mean;
        return torch::special_log_ndtr(n) - torch::special_log_ndtr(-n);
    }
    static Tensor jacobian_log_det(const OpenedRun& run, const Tensor& x) {
        const auto map = [&](const Tensor& at) { return to_logistic(*run.model->latent(), at); };
        return std::get<1>(torch::linalg_slogdet(linearise(map, x).jacobian));
    }
    static double worst(const Tensor& values, double expected) {
        return (values - expected).abs().max().item<double>();
    }
    /// All weights but the scale.
    static void move_couplings(Model& model, std::uint64_t seed) {
        const torch::NoGradGuard no_grad;
        Rng rng = Rng(seed).split(9);
        for (auto& p : model.module().named_parameters())
            if (p.key() != kScale) p.value().add_(0.1 * rng.normal(p.value().sizes()));
    }
    static double round_trip(const Latent& latent, const Tensor& x) {
        const torch::NoGradGuard no_grad;
        const Tensor back = latent.decode(latent.encode(x, {}, Rng(0)).mean, {}, Rng(0));
        return ((back - x).abs() / x.abs().clamp_min(1)).max().item<double>();
    }

    Parameters p_;
};

}  // namespace

std::unique_ptr<Claim> make_additive_coupling() {
    return std::make_unique<AdditiveCoupling>();
}

}  // namespace pushforward
