#include "pushforward/audit/guidance.hpp"

#include "pushforward/audit/denoising_truth.hpp"
#include "pushforward/audit/mixture_truth.hpp"
#include "pushforward/audit/truth.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/json.hpp"
#include "pushforward/data/condition_text.hpp"
#include "pushforward/training/run.hpp"

#include <torch/types.h>

#include <cmath>

namespace pushforward {
namespace {

struct Moments {
    double mean, deviation;
};

/// Two normals at -mean and mean, of equal weight; the label says which, and 1 is the right one.
class Guidance : public Claim {
public:
    Options& parameters() override { return p_; }

    std::vector<PlannedRun> runs(std::uint64_t seed) const override {
        return {{"labelled", text("[data]\nsource = \"", p_.data(200000, seed), R"(&labels=true"
validation = 0.0
scale = false
[model]
name = "score_sde"
process = "vp"
prediction = "v"
[model.network]
name = "mlp"
width = 128
layers = 3
features = 0
[objective]
condition_dropout = 0.2
)",
                                  cosine_training({.steps = 8000,
                                                   .batch = 2048,
                                                   .learning_rate = "2e-3",
                                                   .warmup = 100,
                                                   .half_life = 200}))}};
    }

    std::vector<Check> measure(const RunFolders& runs, std::uint64_t seed) const override {
        std::vector<Check> checks;
        for (const double gamma : {3., 0., 1., 2., 5.}) {
            const Moments exact = guided_moments(gamma);
            const Tensor x = draw(runs.at("labelled").string(), gamma, seed);
            const auto n = static_cast<double>(x.size(0));
            const double mean = x.mean().item<double>(), deviation = x.std().item<double>();
            const double band = gamma <= 3 ? 0.06 : 0.15;
            const std::string at = text(" at gamma = ", number_text(gamma));
            checks.push_back({"mean" + at, exact.mean, mean, deviation / std::sqrt(n),
                              exact.mean - band, exact.mean + band});
            checks.push_back({"deviation" + at, exact.deviation, deviation,
                              deviation / std::sqrt(2 * n), exact.deviation - band,
                              exact.deviation + band});
            if (gamma == 3) {
                const double off = exact.mean - tilted_mean(gamma);
                checks.push_back({"mean less the tilted law's" + at, off, mean - tilted_mean(gamma),
                                  deviation / std::sqrt(n), off - band, off + band});
            }
        }
        return checks;
    }

private:
    static Tensor draw(const std::string& folder, double gamma, std::uint64_t seed) {
        const OpenedRun run =
            open_run(folder, {text("sample.guidance=", number_text(gamma)), "sample.sampler=heun",
                              "sample.steps=50", "sample.grid=log_snr"});
        const std::int64_t n = 50000;
        const Condition c = condition_rows({"label=1"}, run.model->spec(), n);
        return draw_samples(*run.model, run.description.scaling, n, c, seed, 5000, run.device)
            .x.to(torch::kDouble);
    }

    /// dx/dt = -beta (x + score) / 2 with score = gamma score_c + (1 - gamma) score, from the
    /// quantiles of N(0, 1) at t = 1 down to t_min, by Runge and Kutta's method.
    Moments guided_moments(double gamma) const {
        const NormalMixture law = p_.law(), right{{{1, p_.mean, p_.deviation}}};
        constexpr int points = 400, steps = 1000;
        double sum = 0, squares = 0;
        const auto slope = [&](double t, double x) {
            const double alpha = Vp::alpha(t), sigma = Vp::sigma(t);
            const double score = gamma * right.noised(alpha, sigma).score(x) +
                                 (1 - gamma) * law.noised(alpha, sigma).score(x);
            return -0.5 * Vp::beta(t) * (x + score);
        };
        for (int i = 0; i < points; ++i) {
            double x = normal_quantile((i + 0.5) / points);
            for (int k = 0; k < steps; ++k) {
                // steps even in the square root of t, which is where the scores change
                const auto time = [](int j) {
                    const double u = 1 - static_cast<double>(j) / steps;
                    return Vp::t_min + (1 - Vp::t_min) * u * u;
                };
                const double t = time(k), h = time(k + 1) - t;
                const double a = slope(t, x), b = slope(t + h / 2, x + h / 2 * a),
                             c = slope(t + h / 2, x + h / 2 * b), d = slope(t + h, x + h * c);
                x += h / 6 * (a + 2 * b + 2 * c + d);
            }
            sum += x / points;
            squares += x * x / points;
        }
        return {sum, std::sqrt(squares - sum * sum)};
    }

    /// The mean of p(x | right) p(right | x)^(gamma - 1), by quadrature.
    double tilted_mean(double gamma) const {
        const NormalMixture law = p_.law(), right{{{1, p_.mean, p_.deviation}}};
        double mass = 0, first = 0;
        for (int i = -4000; i <= 4000; ++i) {
            const double x = p_.mean + 12 * p_.deviation * i / 4000.;
            const double p = right.density(x);
            const double tilted = p * std::pow((1 - p_.weight) * p / law.density(x), gamma - 1);
            mass += tilted;
            first += x * tilted;
        }
        return first / mass;
    }

    TwoNormals p_{0.5, 1.5, 1};
};

}  // namespace

std::unique_ptr<Claim> make_guidance() {
    return std::make_unique<Guidance>();
}

}  // namespace pushforward
