#include "pushforward/audit/many_to_one.hpp"

#include "pushforward/audit/denoising_truth.hpp"
#include "pushforward/audit/differential.hpp"
#include "pushforward/audit/mixture_truth.hpp"
#include "pushforward/audit/two_normals.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/json.hpp"
#include "pushforward/math/area.hpp"
#include "pushforward/training/run.hpp"

#include <torch/types.h>

#include <cmath>
#include <numbers>
#include <utility>

namespace pushforward {
namespace {

constexpr double pi = std::numbers::pi;

struct Parameters : Options {
    TwoNormals line{0.3, 1.2, 0.6};
    double spread = 1.5;

    void visit(Fields& f) override {
        line.visit(f);
        f.number("spread", spread,
                 {.doc = "deviation of the normal numbers that are folded", .low = 0.2, .high = 5});
    }
};

/// A fold of R^k with 2 branches, and the log-density of what it makes of N(0, s^2 I).
struct Fold {
    std::string name;
    std::int64_t k;
    Map map;
    std::function<Tensor(const Tensor& z)> log_det;
    std::function<Tensor(const Tensor& x, double s)> log_density;
};

std::vector<Fold> folds() {
    const auto complex_square = [](const Tensor& z) {
        const Tensor a = z.select(1, 0), b = z.select(1, 1);
        return torch::stack({a.square() - b.square(), 2 * a * b}, 1);
    };
    return {{"z^2", 1, [](const Tensor& z) { return z.square(); },
             [](const Tensor& z) { return (2 * z.abs()).log().squeeze(1); },
             [](const Tensor& x, double s) {
                 return (-0.5 * x / (s * s) - 0.5 * (2 * pi * s * s * x).log()).squeeze(1);
             }},
            {"|z|", 1, [](const Tensor& z) { return z.abs(); },
             [](const Tensor& z) { return torch::zeros({z.size(0)}, z.options()); },
             [](const Tensor& x, double s) {
                 return (-0.5 * (x / s).square() + 0.5 * std::log(2 / (pi * s * s))).squeeze(1);
             }},
            {"the complex square", 2, complex_square,
             [](const Tensor& z) { return (4 * z.square().sum(1)).log(); },
             [](const Tensor& x, double s) {
                 const Tensor r = x.square().sum(1).sqrt();
                 return -0.5 * r / (s * s) - (4 * pi * s * s * r).log();
             }}};
}

class ManyToOne : public Claim {
public:
    Options& parameters() override { return p_; }

    std::vector<PlannedRun> runs(std::uint64_t seed) const override {
        return {planned("line", 1, "name = \"spline\"\ntransforms = 3", seed),
                planned("plane", 2, "name = \"real_nvp\"\ntransforms = 4", seed)};
    }

    std::vector<Check> measure(const RunFolders& runs, std::uint64_t seed) const override {
        std::vector<Check> checks = {at_the_mean(open_run(runs.at("line").string()), seed)};
        for (const Fold& fold : folds()) {
            const Tensor z = Rng(seed).split(2).normal({500, fold.k}, torch::kDouble);
            const double s = p_.spread;
            const Map scaled = [&](const Tensor& at) { return fold.map(s * at); };
            const Tensor x = scaled(z);
            const Tensor sum = pushforward_log_density(scaled, standard_normal_log_density, x,
                                                       starts(fold.k, seed), Reference::lebesgue);
            checks.push_back({text(fold.name, " of normals: largest error of the log-density"), 0,
                              (sum - fold.log_density(x, s)).abs().max().item<double>(), 0, 0,
                              1e-8});
        }
        const auto all = folds();
        for (const auto& [fold, name] : {std::pair{all[0], "line"}, {all[2], "plane"}})
            for (const Check& check : of_fitted(fold, open_run(runs.at(name).string()), seed))
                checks.push_back(check);
        return checks;
    }

private:
    std::string data(std::int64_t k, std::int64_t n, std::uint64_t seed) const {
        return k == 1 ? p_.line.data(n, seed)
                      : text("sim:mixture?dimension=2&means=0,0&sigma=", number_text(p_.spread),
                             "&n=", n, "&seed=", seed);
    }
    /// The data's own log-density before the fold.
    Tensor log_density(const Tensor& y) const {
        if (y.size(1) == 2)
            return standard_normal_log_density(y / p_.spread) - 2 * std::log(p_.spread);
        return pushforward::log_density(p_.line, y);
    }
    PlannedRun planned(const char* name, std::int64_t k, const char* model,
                       std::uint64_t seed) const {
        return {name, text("[data]\nsource = \"", data(k, 200000, seed),
                           "\"\nvalidation = 0.0\nscale = false\n[model]\n", model, R"(
width = 16
)",
                           cosine_training({.steps = 1500,
                                            .batch = 2048,
                                            .learning_rate = "5e-3",
                                            .warmup = 50,
                                            .half_life = 50}))};
    }

    static Tensor starts(std::int64_t k, std::uint64_t seed) {
        const Tensor z = 1.5 * Rng(seed).split(3).normal({6, k}, torch::kDouble);
        return torch::cat({z, -z});
    }

    /// A fold after a flow's decoder.
    static Map folded(const Fold& fold, const OpenedRun& run) {
        run.model->compute_in(torch::kDouble);
        return [map = fold.map, latent = run.model->latent()](const Tensor& z) {
            return map(latent->decode(z, {}, Rng(0)));
        };
    }

    /// The density of z^2 at the square of a number a deviation right of the right normal's mean.
    Check at_the_mean(const OpenedRun& run, std::uint64_t seed) const {
        const double y = p_.line.mean + p_.line.deviation;
        const NormalMixture law = p_.line.law();
        const double there = (law.density(y) + law.density(-y)) / (2 * y);
        const Tensor x = torch::full({1, 1}, y * y, torch::kDouble);
        const Tensor log_p =
            pushforward_log_density(folded(folds()[0], run), standard_normal_log_density, x,
                                    starts(1, seed), Reference::lebesgue);
        return {"z^2 of a fitted flow: density at one point",
                there,
                log_p.exp().item<double>(),
                0,
                0.95 * there,
                1.05 * there};
    }

    /// Fresh data, folded: the nats that the folded flow's density is short of the law's; the same
    /// with the principal branch alone; and how far the sum over preimages, found through the
    /// decoder, is from the flow's own densities at the fold's branches.
    std::vector<Check> of_fitted(const Fold& fold, const OpenedRun& run, std::uint64_t seed) const {
        const torch::NoGradGuard no_grad;
        const Tensor y = all_of(data(fold.k, 2000, seed + 1000)), x = fold.map(y);
        const Tensor sum = pushforward_log_density(folded(fold, run), standard_normal_log_density,
                                                   x, starts(fold.k, seed), Reference::lebesgue);
        // both branches: what the fold's inverse gives, and its negative
        const Tensor right = torch::where(y.slice(1, 0, 1) >= 0, y, -y), bend = fold.log_det(y);
        const auto fitted = [&](const Tensor& at) {
            return run.model->density()->log_prob(at, {}, "exact", Rng(0)) - bend;
        };
        const Tensor law = log_density(right) - bend, branch = fitted(right);
        const Tensor whole = torch::logaddexp(law, log_density(-right) - bend);
        const Mean gap = mean_of(whole - sum), other = mean_of(whole - law);
        const Mean one = mean_of(law - branch);
        const std::string name = text(fold.name, " of a fitted flow: ");
        const double noise = 4 * one.standard_error;
        return {{name + "nats short of the folded data's law", 0, gap.value, gap.standard_error,
                 -4 * gap.standard_error, 0.01 + 4 * gap.standard_error},
                {name + "the same with the principal branch alone", other.value,
                 other.value + one.value, one.standard_error, other.value - 0.01 - noise,
                 other.value + 0.01 + noise},
                {name + "the sum over preimages less the two branches' densities", 0,
                 (sum - torch::logaddexp(branch, fitted(-right))).abs().max().item<double>(), 0, 0,
                 1e-8}};
    }

    Parameters p_;
};

}  // namespace

std::unique_ptr<Claim> make_many_to_one() {
    return std::make_unique<ManyToOne>();
}

}  // namespace pushforward
