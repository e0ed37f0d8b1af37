#include "pushforward/audit/stein_identity.hpp"

#include "pushforward/audit/differential.hpp"
#include "pushforward/audit/truth.hpp"
#include "pushforward/audit/two_normals.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/json.hpp"

#include <torch/types.h>

#include <cmath>
#include <limits>

namespace pushforward {
namespace {

constexpr std::int64_t kDimension = 2;

/// Explicit models on the plane: a name, lines of [model] and the step size.
struct Explicit {
    const char* name;
    const char* model;
    const char* learning_rate;
};
constexpr Explicit explicit_models[] = {
    {"flow", "name = \"real_nvp\"\nwidth = 64", "5e-3"},
    {"mixture", "name = \"mixture\"\ncomponents = 2", "2e-2"},
};

class SteinIdentity : public Claim {
public:
    Options& parameters() override { return p_; }

    std::vector<PlannedRun> runs(std::uint64_t seed) const override {
        std::vector<PlannedRun> runs;
        for (const Explicit& e : explicit_models)
            runs.push_back({e.name, recipe(kDimension, text("true\n[model]\n", e.model), 2000,
                                           e.learning_rate, seed)});
        runs.push_back({"network", recipe(1, R"(false
[model]
name = "score_sde"
process = "vp"
prediction = "v"
[model.network]
name = "mlp"
width = 64
layers = 2
features = 0)",
                                          3000, "2e-3", seed)});
        return runs;
    }

    std::vector<Check> measure(const RunFolders& runs, std::uint64_t seed) const override {
        std::vector<Check> checks;
        for (const Explicit& e : explicit_models) {
            const OpenedRun run = open_wide(runs.at(e.name));
            auto add = [&](Check check) {
                check.name = text(e.name, ": ", check.name);
                checks.push_back(std::move(check));
            };
            for (Check& check : stein(run, seed)) add(std::move(check));
            add(finite_differences(run, seed));
            add(against_law(run, seed));
        }
        const OpenedRun network = open_run(runs.at("network").string());
        for (const double t : {0.2, 0.5}) checks.push_back(learnt(network, t, seed));
        return checks;
    }

private:
    static OpenedRun open_wide(const std::filesystem::path& folder) {
        return open_run(folder.string(), {}, at::kCPU, Precision::float64);
    }

    std::string recipe(std::int64_t dimension, const std::string& scale_and_model,
                       std::int64_t steps, const std::string& learning_rate,
                       std::uint64_t seed) const {
        return text("[data]\nsource = \"", p_.data(200000, seed, dimension),
                    "\"\nvalidation = 0.0\nscale = ", scale_and_model, "\n[train]\nsteps = ", steps,
                    "\nbatch = 1024\nlearning_rate = ", learning_rate, R"(
schedule = "cosine"
warmup = 50
ema_half_life = 100
precision = "float32"
)",
                    weights_only_training);
    }

    /// Samples in model units, float64; the identity holds in any units.
    static Tensor own_samples(const OpenedRun& run, std::int64_t n, std::uint64_t seed) {
        SampleRequest request;
        request.n = n;
        return run.model->sample(request, Rng(seed).split(6)).x.to(torch::kDouble);
    }

    /// The trace alone, then all D + D^2 means together: Hotelling's T^2 as a deviation of one
    /// normal number. Each of the two is false in 0.27 % of seeds, as one mean at three standard
    /// errors is; D + D^2 single means would be in 1.6 %.
    static std::vector<Check> stein(const OpenedRun& run, std::uint64_t seed) {
        const std::int64_t n = 200000, d = kDimension;
        const Tensor x = own_samples(run, n, seed), s = score_of(*run.model->density(), x);
        const Tensor products = s.unsqueeze(2) * x.unsqueeze(1) + torch::eye(d, torch::kDouble);
        const Mean trace = mean_of((s * x).sum(1));
        const double band = 3 * trace.standard_error, exact = -static_cast<double>(d);
        const Tensor all = torch::cat({s, products.flatten(1)}, 1), mean = all.mean(0);
        const Tensor off = all - mean;
        Tensor covariance = off.t().matmul(off) / static_cast<double>(n - 1);
        // of N(0, I) the products s_i x_j and s_j x_i are the same number
        covariance.diagonal().add_(1e-10 * covariance.diagonal().mean());
        const double t2 =
            static_cast<double>(n) * mean.dot(torch::linalg_solve(covariance, mean)).item<double>();
        const double p = chi_square_p(t2, d + d * d);
        const double deviations =
            p > 0 ? -normal_quantile(p / 2) : std::numeric_limits<double>::infinity();
        return {{"E[s . x], the Stein trace", exact, trace.value, trace.standard_error,
                 exact - band, exact + band},
                {"E[s] and E[s x^T] + I together, standard errors from 0", 0, deviations, 1, 0, 3}};
    }

    /// Central differences with a step so short that a kink of a rectified network lies within it
    /// at hardly a point: rounding leaves 1e-7 of the score.
    static Check finite_differences(const OpenedRun& run, std::uint64_t seed) {
        const Density& density = *run.model->density();
        const Tensor x = own_samples(run, 500, seed + 1), s = score_of(density, x);
        constexpr double h = 1e-8;
        double worst = 0;
        for (std::int64_t j = 0; j < kDimension; ++j) {
            Tensor step = torch::zeros({kDimension}, torch::kDouble);
            step[j] = h;
            const Tensor slope =
                (log_density_of(density, x + step) - log_density_of(density, x - step)) / (2 * h);
            worst = std::max(worst, (slope - s.select(1, j)).abs().max().item<double>());
        }
        return {"score less a finite difference", 0, worst, 0, 0, 1e-4};
    }

    static Check relative_error(const std::string& name, const Tensor& s, const Tensor& exact,
                                double most) {
        const double error = ((s - exact).norm() / exact.norm()).item<double>();
        return {name, 0, error, 0, 0, most};
    }

    /// On the law's own points, in the data's units: s_data = s_model / scale. The normal with the
    /// law's mean and covariance C is off by E|s|^2 - trace C^-1, by Stein's identity.
    Check against_law(const OpenedRun& run, std::uint64_t seed) const {
        const Affine& units = run.description.scaling.x();
        const Tensor x = all_of(p_.data(50000, seed + 1000, kDimension));
        const Tensor s = score_of(*run.model->density(), units.to_model(x)) /
                         torch::tensor(units.scale, torch::kDouble);
        const Tensor exact = score(p_, x);
        const double d = kDimension;
        const double along =
            TwoNormals{p_.weight, std::sqrt(d) * p_.mean, p_.deviation}.law().deviation();
        const double trace = 1 / (along * along) + (d - 1) / (p_.deviation * p_.deviation);
        const double of_normal = std::sqrt(1 - trace / exact.square().sum(1).mean().item<double>());
        return relative_error("relative error of the score, less than the best normal's", s, exact,
                              of_normal);
    }

    /// A network's -eps / sigma at one noise level against the noised law's closed form.
    Check learnt(const OpenedRun& run, double t, std::uint64_t seed) const {
        const std::int64_t n = 50000;
        Noised batch;
        batch.x0 = all_of(p_.data(n, seed + 1000, 1));
        batch.alpha = torch::full({n, 1}, Vp::alpha(t), torch::kDouble);
        batch.sigma = torch::full({n, 1}, Vp::sigma(t), torch::kDouble);
        batch.eps = Rng(seed).split(7).normal({n, 1}, torch::kDouble);
        batch.x = batch.alpha * batch.x0 + batch.sigma * batch.eps;
        batch.time = torch::full({n}, t, torch::kDouble);
        const Tensor s = -believed_epsilon(*run.model->denoiser(), batch, 50000) / batch.sigma;
        const NormalMixture law = p_.law().noised(Vp::alpha(t), Vp::sigma(t));
        Tensor exact = torch::empty_like(batch.x);
        for (std::int64_t i = 0; i < n; ++i)
            exact.data_ptr<double>()[i] = law.score(batch.x.data_ptr<double>()[i]);
        return relative_error(
            text("network at sigma = ", number_text(std::round(1000 * Vp::sigma(t)) / 1000),
                 ": relative error of the score"),
            s, exact, 0.1);
    }

    TwoNormals p_{0.3, 1.5, 0.6};
};

}  // namespace

std::unique_ptr<Claim> make_stein_identity() {
    return std::make_unique<SteinIdentity>();
}

}  // namespace pushforward
