#include "pushforward/audit/change_of_variables.hpp"

#include "pushforward/audit/differential.hpp"
#include "pushforward/audit/two_normals.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/math/jacobian.hpp"
#include "pushforward/training/scoring.hpp"

#include <torch/types.h>

#include <cmath>

namespace pushforward {
namespace {

/// The data's scale is a power of two, so that scaled rows are the same bits but for the exponent
/// and standardised ones are the same bits.
struct Parameters : TwoNormals {
    std::int64_t doublings = 3;

    Parameters() : TwoNormals(0.3, 1.5, 0.6) {}
    void visit(Fields& f) override {
        TwoNormals::visit(f);
        f.integer("doublings", doublings,
                  {.doc = "the data are also fitted times 2^doublings", .low = -10, .high = 10});
    }
    TwoNormals scaled() const {
        const double s = std::exp2(static_cast<double>(doublings));
        return {weight, s * mean, s * deviation};
    }
};

class ChangeOfVariables : public Claim {
public:
    Options& parameters() override { return p_; }

    std::vector<PlannedRun> runs(std::uint64_t seed) const override {
        PF_CHECK(p_.doublings != 0, "doublings", "a scale other than 1", p_.doublings);
        return {{"line", recipe(p_.data(200000, seed, 1))},
                {"plane", recipe(p_.data(200000, seed, 2))},
                {"plane-scaled", recipe(p_.scaled().data(200000, seed, 2))}};
    }

    std::vector<Check> measure(const RunFolders& runs, std::uint64_t seed) const override {
        std::vector<Check> checks{scaling(runs, seed)};
        for (const std::string name : {"line", "plane"}) {
            const auto folder = runs.at(name).string();
            const OpenedRun run = open_run(folder, {}, at::kCPU, Precision::float64);
            const std::int64_t d = name == "line" ? 1 : 2;
            const Mean gap = short_of(p_, open_run(folder), d, 100000, seed + 1000);
            checks.push_back({name + ": nats that the flow is short of the law", 0, gap.value,
                              gap.standard_error, -4 * gap.standard_error, 0.02});
            for (Check& check : both_sides(run, d, seed)) {
                check.name = name + ": " + check.name;
                checks.push_back(std::move(check));
            }
            const double mass = integral(run, d);
            checks.push_back(
                {name + ": integral of the density on a grid", 1, mass, 0, 0.999, 1.001});
        }
        return checks;
    }

private:
    static std::string recipe(const std::string& data) {
        return text("[data]\nsource = \"", data, R"("
validation = 0.0
[model]
name = "spline"
transforms = 4
width = 64
)",
                    cosine_training({.steps = 1500,
                                     .batch = 1024,
                                     .learning_rate = "5e-3",
                                     .warmup = 50,
                                     .half_life = 50}));
    }

    /// Two fits by one recipe and seed, to the same rows in other units. Standardised they are the
    /// same bits, so the band is the rounding of the units' own log-determinant.
    Check scaling(const RunFolders& runs, std::uint64_t seed) const {
        const auto mean_log_p = [&](const std::string& name, const TwoNormals& law) {
            ScoreRequest request;
            request.data = law.data(20000, seed + 1000, 2);
            request.batch = 10000;
            return score_run(open_run(runs.at(name).string()), request).mean();
        };
        const double moved = mean_log_p("plane-scaled", p_.scaled()) - mean_log_p("plane", p_);
        const double expected = -2 * static_cast<double>(p_.doublings) * std::log(2.0);
        return {"data scaled by s: mean log p moves by -d log s",
                expected,
                moved,
                0,
                expected - 1e-9,
                expected + 1e-9};
    }

    /// From data to base, from base to data, and as the sampler says, at points of twice the base's
    /// spread.
    static std::vector<Check> both_sides(const OpenedRun& run, std::int64_t d, std::uint64_t seed) {
        const Density& density = *run.model->density();
        const Latent& latent = *run.model->latent();
        const auto encode = [&](const Tensor& x) { return latent.encode(x, {}, Rng(0)).mean; };
        const auto decode = [&](const Tensor& z) { return latent.decode(z, {}, Rng(0)); };
        const auto log_det = [](const auto& map, const Tensor& at) {
            return std::get<1>(torch::linalg_slogdet(linearise(map, at).jacobian));
        };
        const auto worst = [](const Tensor& a, const Tensor& b) {
            return (a - b).abs().max().item<double>();
        };
        const Tensor z = 2 * Rng(seed).split(4).normal({1000, d}, torch::kDouble);
        Tensor x;
        {
            const torch::NoGradGuard no_grad;
            x = decode(z);
        }
        const Tensor log_p = log_density_of(density, x);
        const double forward = worst(log_p - standard_normal_log_density(z), log_det(encode, x));
        const double back = worst(log_p, standard_normal_log_density(z) - log_det(decode, z));
        SampleRequest request;
        request.n = 10000;
        const Samples drawn = run.model->sample(request, Rng(seed).split(5));
        const double sampled =
            worst(drawn.log_prob, log_density_of(density, drawn.x.to(torch::kDouble)));
        return {{"log-determinant less that of autograd's Jacobian", 0, forward, 0, 0, 1e-10},
                {"log p less that by the Jacobian of the inverse", 0, back, 0, 0, 1e-10},
                {"log p less the sampler's, samples rounded to float32", 0, sampled, 0, 0, 1e-5}};
    }

    /// The trapezoidal rule in the data's own units, eight deviations to each side.
    static double integral(const OpenedRun& run, std::int64_t d) {
        const Affine& units = run.description.scaling.x();
        const std::int64_t n = d == 1 ? 20001 : 501;
        double cell = 1;
        std::vector<Tensor> axes;
        for (std::size_t i = 0; i < static_cast<std::size_t>(d); ++i) {
            const double reach = 8 * units.scale[i];
            axes.push_back(
                torch::linspace(units.shift[i] - reach, units.shift[i] + reach, n, torch::kDouble));
            cell *= 2 * reach / static_cast<double>(n - 1);
        }
        const Tensor x = d == 1 ? axes[0].unsqueeze(1) : torch::cartesian_prod(axes);
        const Tensor log_p = log_density_of(*run.model->density(), units.to_model(x)) +
                             run.description.scaling.log_det({d});
        return cell * log_p.exp().sum().item<double>();
    }

    Parameters p_;
};

}  // namespace

std::unique_ptr<Claim> make_change_of_variables() {
    return std::make_unique<ChangeOfVariables>();
}

}  // namespace pushforward
