#include "pushforward/audit/typical_set.hpp"

#include "pushforward/audit/denoising_truth.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/json.hpp"
#include "pushforward/metrics/c2st.hpp"
#include "pushforward/training/run.hpp"

#include <torch/types.h>

#include <cmath>
#include <limits>

namespace pushforward {
namespace {

struct Parameters : Options {
    std::int64_t dimension = 100;
    double deviation = 2, level = 0.05;

    void visit(Fields& f) override {
        f.integer("dimension", dimension, {.doc = "numbers an item", .low = 20, .high = 400});
        f.number("deviation", deviation, {.doc = "of each number", .low = 0.2, .high = 10});
        f.number("level", level, {.doc = "of the typicality test", .low = 0.01, .high = 0.2});
    }
};

constexpr double infinity = std::numeric_limits<double>::infinity();

/// log p of rows in the data's own units, float64.
Tensor log_prob_of(const OpenedRun& run, const Tensor& x) {
    const torch::NoGradGuard no_grad;
    const Scaling& scaling = run.description.scaling;
    std::vector<Tensor> parts;
    for (std::int64_t i = 0; i < x.size(0); i += 2000) {
        const Tensor rows = scaling.to_model(x.slice(0, i, i + 2000).to(torch::kFloat));
        parts.push_back(
            run.model->density()->log_prob(rows, {}, "exact", Rng(0)).to(torch::kDouble));
    }
    return torch::cat(parts) + scaling.log_det(x.sizes().slice(1));
}

/// |log p(x) - E log p|: large where x is likelier or less likely than the data are.
struct Typicality {
    double mean;
    explicit Typicality(const Tensor& log_prob) : mean(log_prob.mean().item<double>()) {}
    Tensor operator()(const Tensor& log_prob) const { return (log_prob - mean).abs(); }
};

class TypicalSet : public Claim {
public:
    Options& parameters() override { return p_; }

    std::vector<PlannedRun> runs(std::uint64_t seed) const override {
        return {{"normal", text("[data]\nsource = \"", normal(200000, seed), R"("
validation = 0.0
scale = false
[model]
name = "real_nvp"
transforms = 2
width = 8
)",
                                cosine_training({.steps = 1500,
                                                 .batch = 2048,
                                                 .learning_rate = "3e-3",
                                                 .warmup = 50,
                                                 .half_life = 100}))},
                {"sprites", sprite_recipe(20, seed)},
                {"pixels", sprite_recipe(1, seed)}};
    }

    std::vector<Check> measure(const RunFolders& runs, std::uint64_t seed) const override {
        std::vector<Check> checks;
        in_high_dimension(open_run(runs.at("normal").string()), seed, checks);
        on_sprites(open_run(runs.at("sprites").string()), open_run(runs.at("pixels").string()),
                   seed, checks);
        return checks;
    }

private:
    std::string normal(std::int64_t n, std::uint64_t seed) const {
        std::string means = "0";
        for (std::int64_t i = 1; i < p_.dimension; ++i) means += ",0";
        return text("sim:mixture?dimension=", p_.dimension, "&means=", means,
                    "&sigma=", number_text(p_.deviation), "&n=", n, "&seed=", seed);
    }
    static std::string sprites(std::int64_t n, std::uint64_t seed) {
        return text("sim:sprites?n=", n, "&seed=", seed);
    }
    /// Normals with independent pixels: many for sprites, one for pixels without their shape. Some
    /// pixels are always black, which has no finite likelihood; fitted as a denoiser it does.
    static std::string sprite_recipe(std::int64_t components, std::uint64_t seed) {
        return text(
            "[data]\nsource = \"", sprites(10000, seed),
            "\"\nvalidation = 0.0\nconditional = false\n[model]\nname = \"mixture\"\ncomponents = ",
            components,
            R"(
[objective]
name = "denoising"
)",
            cosine_training({.steps = 600,
                             .batch = 128,
                             .learning_rate = "2e-2",
                             .warmup = 20,
                             .half_life = 50}));
    }

    void in_high_dimension(const OpenedRun& run, std::uint64_t seed,
                           std::vector<Check>& checks) const {
        const std::int64_t n = 20000;
        const double d = static_cast<double>(p_.dimension), s = p_.deviation;
        const Tensor held = log_prob_of(run, all_of(normal(n, seed + 1000)));
        const Tensor fresh = log_prob_of(run, all_of(normal(n, seed + 2000)));
        const double top =
            log_prob_of(run, torch::zeros({1, p_.dimension}, torch::kDouble)).item<double>();
        const Mean mean = mean_of(held);
        const double band = 0.02 * d / 2 + 4 * mean.standard_error;
        checks.push_back({text("log p(0) less its mean on data, ", p_.dimension, " numbers, nats"),
                          d / 2, top - mean.value, mean.standard_error, d / 2 - band,
                          d / 2 + band});
        checks.push_back({"share of data that is likelier than 0", 0,
                          (fresh > top).to(torch::kDouble).mean().item<double>(), 0, 0, 0});

        const Typicality score(held);
        const double bound = torch::quantile(score(held), 1 - p_.level).item<double>();
        const auto flagged = [&](const Tensor& log_prob) {
            return (score(log_prob) > bound).to(torch::kDouble).mean().item<double>();
        };
        // the quantile and the share are both estimated: 1 in 1,000 leaves the band by chance
        const double error = std::sqrt(2 * p_.level * (1 - p_.level) / static_cast<double>(n));
        checks.push_back({"typicality test: share of data flagged", p_.level, flagged(fresh), error,
                          p_.level - 3.3 * error, p_.level + 3.3 * error});
        const Tensor near = log_prob_of(
            run, 0.1 * s * Rng(seed).split(6).normal({n, p_.dimension}, torch::kDouble));
        checks.push_back({"typicality test: share flagged of points a tenth as far from 0", 1,
                          flagged(near), 0, 0.99, 1});
        const Measurement raw = roc_auc(-near, -fresh);
        checks.push_back({"low likelihood as the test: AUC on the same points", 0, raw.value,
                          raw.standard_error, 0, 0.01});
    }

    static void on_sprites(const OpenedRun& run, const OpenedRun& pixels, std::uint64_t seed,
                           std::vector<Check>& checks) {
        const std::int64_t n = 2000;
        const Tensor x = all_of(sprites(n, seed + 1000)), y = all_of(sprites(n, seed + 2000));
        const Tensor noise = Rng(seed).split(7).uniform(x.sizes(), torch::kDouble);
        const Tensor grey = torch::full_like(x.slice(0, 0, 1), 0.5);
        const auto ratio = [&](const Tensor& rows) {
            return log_prob_of(run, rows) - log_prob_of(pixels, rows);
        };
        const Tensor fresh = log_prob_of(run, y), of_noise = log_prob_of(run, noise);
        const Typicality score(log_prob_of(run, x));
        const auto auc = [&](const std::string& score_name, const Tensor& odd, const Tensor& data,
                             double least) {
            const Measurement m = roc_auc(odd, data);
            checks.push_back({text("static noise told from sprites by ", score_name), 1, m.value,
                              m.standard_error, least, 1});
        };
        // noise is uniform: the ratio to its own law is the density itself
        auc("low likelihood: AUC", -of_noise, -fresh, 0.99);
        auc("typicality: AUC", score(of_noise), score(fresh), 0.99);
        // noise is far from both models, whose ratio is then that of their smallest deviations
        auc("a low ratio to independent pixels: AUC, no bar", -ratio(noise), -ratio(y), 0);
        const Tensor of_grey = log_prob_of(run, grey);
        checks.push_back({"constant grey: share of sprites that are likelier, no bar", 1,
                          (fresh > of_grey).to(torch::kDouble).mean().item<double>(), 0, -infinity,
                          infinity});
        checks.push_back({"constant grey: share of sprites that are more typical, no bar", 1,
                          (score(fresh) < score(of_grey)).to(torch::kDouble).mean().item<double>(),
                          0, -infinity, infinity});
    }

    Parameters p_;
};

}  // namespace

std::unique_ptr<Claim> make_typical_set() {
    return std::make_unique<TypicalSet>();
}

}  // namespace pushforward
