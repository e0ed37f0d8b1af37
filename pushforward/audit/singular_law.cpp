#include "pushforward/audit/singular_law.hpp"

#include "pushforward/audit/denoising_truth.hpp"
#include "pushforward/audit/differential.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/json.hpp"
#include "pushforward/math/coarea.hpp"
#include "pushforward/training/run.hpp"

#include <torch/types.h>
#include <boost/math/special_functions/bessel.hpp>

#include <cmath>
#include <numbers>

namespace pushforward {
namespace {

constexpr double pi = std::numbers::pi;

struct Parameters : Options {
    double mean = 0.7, deviation = 0.8, spread = 1.5, large = 2, small = 0.7;

    void visit(Fields& f) override {
        f.number("mean", mean, {.doc = "of the angle", .unit = "radians", .low = -3, .high = 3});
        f.number("deviation", deviation,
                 {.doc = "of the angle", .unit = "radians", .low = 0.3, .high = 2});
        f.number("spread", spread, {.doc = "deviation of the two factors", .low = 0.2, .high = 5});
        f.number("large", large, {.doc = "radius of the torus", .low = 1, .high = 10});
        f.number("small", small, {.doc = "radius of its tube", .low = 0.1, .high = 0.9});
    }
};

Tensor circle(const Tensor& angle) {
    return torch::cat({angle.cos(), angle.sin()}, 1);
}
Tensor column(double from, double to, std::int64_t n) {
    return torch::linspace(from, to, n, torch::kDouble).unsqueeze(1);
}
double largest(const Tensor& difference) {
    return difference.abs().max().item<double>();
}

class SingularLaw : public Claim {
public:
    Options& parameters() override { return p_; }

    std::vector<PlannedRun> runs(std::uint64_t seed) const override {
        return {
            {"angle", recipe(text("dimension=1&means=", number_text(p_.mean),
                                  "&sigma=", number_text(p_.deviation)),
                             seed)},
            {"pair", recipe(text("dimension=2&means=0,0&sigma=", number_text(p_.spread)), seed)}};
    }

    std::vector<Check> measure(const RunFolders& runs, std::uint64_t seed) const override {
        const torch::NoGradGuard no_grad;
        std::vector<Check> checks;
        of_angle(open_run(runs.at("angle").string()), seed, checks);
        on_circle(checks);
        on_torus(checks);
        of_product(open_run(runs.at("pair").string()), checks);
        return checks;
    }

private:
    static std::string recipe(const std::string& law, std::uint64_t seed) {
        return text("[data]\nsource = \"sim:mixture?", law, "&n=200000&seed=", seed, R"("
validation = 0.0
scale = false
[model]
name = "real_nvp"
transforms = 4
width = 16
)",
                    cosine_training({.steps = 1500,
                                     .batch = 2048,
                                     .learning_rate = "5e-3",
                                     .warmup = 50,
                                     .half_life = 50}));
    }
    static Tensor quadrants() {
        return torch::tensor({1., 1., -1., -1., 1., -1., -1., 1.}, torch::kDouble).view({4, 2});
    }
    /// sum_n N(angle + 2 pi n; mean, deviation^2), log.
    Tensor wrapped(const Tensor& angle) const {
        Tensor sum = torch::zeros_like(angle);
        for (int n = -8; n <= 8; ++n)
            sum = sum + (-0.5 * ((angle + 2 * pi * n - p_.mean) / p_.deviation).square()).exp();
        return (sum / (p_.deviation * std::sqrt(2 * pi))).log().squeeze(1);
    }
    /// log K0(|x| / s^2) / (pi s^2).
    Tensor product_log_density(const Tensor& x) const {
        const double s2 = p_.spread * p_.spread;
        Tensor out = torch::empty_like(x);
        for (std::int64_t i = 0; i < x.size(0); ++i)
            out[i] = std::log(boost::math::cyl_bessel_k(0, std::abs(x[i].item<double>()) / s2) /
                              (pi * s2));
        return out;
    }

    void on_circle(std::vector<Check>& checks) const {
        const Tensor angle = column(-3, 3, 61), at = circle(angle), starts = column(-8, 8, 80);
        const Map map = [&](const Tensor& z) { return circle(p_.mean + p_.deviation * z); };
        const auto density = [&](const Tensor& x, Reference reference) {
            return pushforward_log_density(map, standard_normal_log_density, x, starts, reference);
        };
        checks.push_back({"normal angle on a circle: largest error of the log-density", 0,
                          largest(density(at, Reference::hausdorff) - wrapped(angle)), 0, 0, 1e-8});
        double refused = 0;
        try {
            density(at, Reference::lebesgue);
        } catch (const UsageError&) {
            refused = 1;
        }
        checks.push_back({"a log-density with respect to area is refused", 1, refused, 0, 1, 1});
        const Tensor off = density(1.0001 * at, Reference::hausdorff);
        checks.push_back({"points 0.0001 off the circle: share without density", 1,
                          (off == -INFINITY).to(torch::kDouble).mean().item<double>(), 0, 1, 1});
        // with noise of deviation e added the "density" at a point of the circle is without limit
        const auto noisy = [&](double e) {
            const Tensor z = column(-8, 8, 200001);
            const Tensor gap = (map(z) - at[20]).square().sum(1);
            const Tensor all = standard_normal_log_density(z) - 0.5 * gap / (e * e);
            return torch::logsumexp(all, 0).item<double>() - 2 * std::log(e);
        };
        checks.push_back({"what noise ten times smaller adds to a noised log-density",
                          std::log(10.0), noisy(1e-3) - noisy(1e-2), 0, std::log(10.0) - 0.01,
                          std::log(10.0) + 0.01});
    }

    void on_torus(std::vector<Check>& checks) const {
        const double R = p_.large, r = p_.small;
        const Map torus = [&](const Tensor& z) {
            const Tensor u = z.select(1, 0), v = z.select(1, 1), ring = R + r * v.cos();
            return torch::stack({ring * u.cos(), ring * u.sin(), r * v.sin()}, 1);
        };
        const Tensor axis = torch::linspace(-3, 3, 20, torch::kDouble);
        const Tensor uv = torch::stack({axis.repeat_interleave(20), axis.repeat({20})}, 1);
        const Tensor uniform = torch::full({400}, -2 * std::log(2 * pi), torch::kDouble);
        checks.push_back({"uniform angles on a torus: largest error of the log-density", 0,
                          largest(area_log_density(torus, uv, uniform, Reference::hausdorff) +
                                  (4 * pi * pi * r * (R + r * uv.select(1, 1).cos())).log()),
                          0, 0, 1e-8});
    }

    /// A flow on angles, wound around the circle.
    void of_angle(const OpenedRun& run, std::uint64_t seed, std::vector<Check>& checks) const {
        run.model->compute_in(torch::kDouble);
        const Map around = [&](const Tensor& z) {
            return circle(run.model->latent()->decode(z, {}, Rng(0)));
        };
        const auto density = [&](const Tensor& angle) {
            return pushforward_log_density(around, standard_normal_log_density, circle(angle),
                                           column(-8, 8, 40), Reference::hausdorff);
        };
        const Tensor middle = torch::full({1, 1}, p_.mean, torch::kDouble);
        const double there = wrapped(middle).exp().item<double>();
        checks.push_back({"a fitted angle on the circle: density at its mean, per unit length",
                          there, density(middle).exp().item<double>(), 0, 0.97 * there,
                          1.03 * there});
        const Tensor fresh =
            p_.mean + p_.deviation * Rng(seed).split(5).normal({1000, 1}, torch::kDouble);
        const Mean gap = mean_of(wrapped(fresh) - density(fresh));
        const double noise = 4 * gap.standard_error;
        checks.push_back({"the same: nats short of the wrapped normal on fresh angles", 0,
                          gap.value, gap.standard_error, -noise, 0.01 + noise});
    }

    void of_product(const OpenedRun& run, std::vector<Check>& checks) const {
        const Tensor at = torch::tensor({-4., -1., -0.2, 0.05, 0.5, 1., 2., 6.}, torch::kDouble) *
                          (p_.spread * p_.spread);
        const auto error = [&](const Map& map, const FibreOptions& options) {
            return (coarea_log_density(map, standard_normal_log_density, at.unsqueeze(1),
                                       quadrants(), options) -
                    product_log_density(at))
                .abs();
        };
        const Map product = [&](const Tensor& z) { return (p_.spread * z).prod(1, true); };
        checks.push_back({"product of two normals: largest error of the log-density", 0,
                          largest(error(product, {})), 0, 0, 1e-8});
        run.model->compute_in(torch::kDouble);
        const Map fitted = [&](const Tensor& z) {
            return run.model->latent()->decode(z, {}, Rng(0)).prod(1, true);
        };
        FibreOptions coarse;
        coarse.radius = 7;
        coarse.tolerance = 1e-8;
        checks.push_back({"product of a fitted pair: mean absolute error of its log-density", 0,
                          error(fitted, coarse).mean().item<double>(), 0, 0, 0.05});
    }

    Parameters p_;
};

}  // namespace

std::unique_ptr<Claim> make_singular_law() {
    return std::make_unique<SingularLaw>();
}

}  // namespace pushforward
