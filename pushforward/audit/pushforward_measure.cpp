#include "pushforward/audit/pushforward_measure.hpp"

#include "pushforward/audit/denoising_truth.hpp"
#include "pushforward/audit/truth.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/json.hpp"
#include "pushforward/math/region.hpp"
#include "pushforward/training/run.hpp"

#include <torch/types.h>

#include <cmath>

namespace pushforward {
namespace {

struct Parameters : Options {
    double mean = 1, deviation = 0.6, radius = 1.5;

    void visit(Fields& f) override {
        f.number("mean", mean, {.doc = "of each of three normal numbers", .low = -10, .high = 10});
        f.number("deviation", deviation, {.doc = "of each", .low = 0.1, .high = 10});
        f.number("radius", radius, {.doc = "of the sets, in deviations", .low = 0.3, .high = 3});
    }
};

/// What a fitted flow's own law may differ in the probability of a set, beside the sampling noise.
constexpr double kModel = 0.005;

class PushforwardMeasure : public Claim {
public:
    Options& parameters() override { return p_; }

    std::vector<PlannedRun> runs(std::uint64_t seed) const override {
        return {{"normal", text("[data]\nsource = \"sim:normal?mean=", repeated(p_.mean, ","),
                                "&covariance=", repeated(p_.deviation * p_.deviation, ",0,0,0,"),
                                "&n=200000&seed=", seed, R"("
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
                                                 .half_life = 50}))}};
    }

    std::vector<Check> measure(const RunFolders& runs, std::uint64_t seed) const override {
        Rng rng = Rng(seed).split(1);
        std::vector<Check> checks;
        const OpenedRun run = open_run(runs.at("normal").string());
        const Tensor x =
            draw_samples(*run.model, run.description.scaling, 200000, {}, seed, 10000, run.device)
                .x.to(torch::kDouble);
        const double r = p_.radius, s = p_.deviation;
        checks.push_back(fitted("a fitted flow: P(ball around the mean)", ball(centre(), r * s), x,
                                1 - chi_square_p(r * r, 3)));
        const Tensor normal = torch::tensor({1., 2., 2.}, torch::kDouble) / 3;
        checks.push_back(fitted("a fitted flow: P(half-space off the mean)",
                                half_space(normal, 5 * p_.mean / 3 + 0.5 * r * s), x,
                                normal_cdf(0.5 * r)));
        checks.push_back(fitted("a fitted flow: P(box from the mean on)",
                                box(centre(), centre() + r * s), x,
                                std::pow(normal_cdf(r) - 0.5, 3)));

        // the first number u, with the second as a function of it: all mass on a curve
        const Tensor u = (x.slice(1, 0, 1) - p_.mean) / s, curve = torch::cat({u, u.square()}, 1);
        checks.push_back(fitted("(u, u^2) with u from a fitted flow: P(x2 <= 1)",
                                half_space(torch::tensor({0., 1.}), 1), curve,
                                1 - chi_square_p(1, 1)));
        const Region parabola = [](const Tensor& v) {
            return v.select(1, 1) == v.select(1, 0).square();
        };
        const Share on = measure_of(parabola, curve);
        checks.push_back({"the same: P(x2 = x1^2)", 1, on.value, 0, 1, 1});
        // Silverman's width: a kernel estimate smooths the curve into the plane
        const Tensor noise = rng.normal(curve.sizes(), torch::kDouble);
        const Tensor smooth =
            curve + curve.std(0) * std::pow(static_cast<double>(curve.size(0)), -1. / 6) * noise;
        const Share off = measure_of(parabola, smooth);
        checks.push_back({"the same by a kernel density estimate, which has no such sets", 0,
                          off.value, 0, 0, 0});

        // x = mean + deviation (e1 z1 + e2 z2) in space, e orthonormal: a disc of a plane
        const Tensor e = torch::tensor({2., -2., 1., 1., 2., 2.}, torch::kDouble).view({2, 3}) / 3;
        checks.push_back(coverage(
            "an affine embedding in space: intervals that cover P(ball)", ball(centre(), r * s),
            1 - chi_square_p(r * r, 2), [&](std::int64_t n) {
                return p_.mean + p_.deviation * rng.normal({n, 2}, torch::kDouble).matmul(e);
            }));
        checks.push_back(coverage("(z, z^2): intervals that cover P(x2 <= 1)",
                                  half_space(torch::tensor({0., 1.}), 1), 1 - chi_square_p(1, 1),
                                  [&](std::int64_t n) {
                                      const Tensor z = rng.normal({n, 1}, torch::kDouble);
                                      return torch::cat({z, z.square()}, 1);
                                  }));
        return checks;
    }

private:
    /// A number three times: a mean, or with zeros between a covariance.
    static std::string repeated(double value, const std::string& between) {
        const std::string v = number_text(value);
        return v + between + v + between + v;
    }
    Tensor centre() const { return torch::full({3}, p_.mean, torch::kDouble); }

    /// The share of 2,000 intervals from 1,000 draws each that hold the truth. Its standard error
    /// is 0.0049, so that right intervals leave the band in about 1 of 400 cases.
    static Check coverage(const std::string& name, const Region& region, double truth,
                          const std::function<Tensor(std::int64_t)>& draw) {
        constexpr std::int64_t repeats = 2000, n = 1000;
        const Tensor in = region(draw(repeats * n)).view({repeats, n}).sum(1);
        std::int64_t covered = 0;
        for (std::int64_t i = 0; i < repeats; ++i) {
            const Share s = wilson_interval(in[i].item<std::int64_t>(), n);
            covered += s.low <= truth && truth <= s.high;
        }
        const double share = static_cast<double>(covered) / repeats;
        return {name, 0.95, share, std::sqrt(0.95 * 0.05 / repeats), 0.935, 0.965};
    }

    /// Sampling noise alone leaves the band in 1 of 1,000 cases at most (3.3 standard errors).
    static Check fitted(const std::string& name, const Region& region, const Tensor& x,
                        double truth) {
        const Share s = measure_of(region, x);
        const double error = std::sqrt(truth * (1 - truth) / static_cast<double>(s.n));
        const double band = kModel + 3.3 * error;
        return {name, truth, s.value, error, truth - band, truth + band};
    }

    Parameters p_;
};

}  // namespace

std::unique_ptr<Claim> make_pushforward_measure() {
    return std::make_unique<PushforwardMeasure>();
}

}  // namespace pushforward
