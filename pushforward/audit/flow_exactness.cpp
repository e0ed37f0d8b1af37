#include "pushforward/audit/flow_exactness.hpp"

#include "pushforward/audit/differential.hpp"
#include "pushforward/audit/two_normals.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/families/catalogue.hpp"

#include <torch/types.h>

#include <cmath>
#include <limits>
#include <numbers>

namespace pushforward {
namespace {

constexpr std::int64_t kDimension = 3;

/// A model of the catalogue for tables; null where it is for something else.
std::unique_ptr<Model> for_table(const CatalogueEntry& entry) {
    const auto options = entry.options(), sampling = entry.sample_options();
    try {
        return entry.make(*options, *sampling, {{Kind::real, {kDimension}, 0}, {}});
    } catch (const UsageError&) {
        return nullptr;
    }
}

/// The catalogue's models of tables with an exact density and a latent space.
std::vector<std::string> exact_models() {
    std::vector<std::string> names;
    for (const auto& entry : catalogue()) {
        const auto model = for_table(entry);
        if (model && model->density() && model->latent() &&
            model->density()->estimators().front().strength == Strength::exact)
            names.push_back(entry.name);
    }
    return names;
}

class FlowExactness : public Claim {
public:
    Options& parameters() override { return p_; }

    std::vector<PlannedRun> runs(std::uint64_t seed) const override {
        std::vector<PlannedRun> runs;
        for (const auto& name : exact_models())
            runs.push_back({name, text("[data]\nsource = \"", p_.data(100000, seed, kDimension),
                                       "\"\nvalidation = 0.0\n[model]\nname = \"", name, R"("
)",
                                       cosine_training({.steps = 800,
                                                        .batch = 256,
                                                        .learning_rate = "5e-3",
                                                        .warmup = 20,
                                                        .half_life = 20}))});
        return runs;
    }

    std::vector<Check> measure(const RunFolders& runs, std::uint64_t seed) const override {
        std::vector<Check> checks;
        for (const auto& [name, folder] : runs) {
            const OpenedRun narrow = open_run(folder.string());
            const OpenedRun wide = open_run(folder.string(), {}, at::kCPU, Precision::float64);
            auto add = [&, name = name](Check check) {
                check.name = name + ": " + check.name;
                checks.push_back(std::move(check));
            };
            const Mean gap = short_of(p_, narrow, kDimension, 50000, seed + 1000);
            add({"nats short of the law, less than the best normal", 0, gap.value,
                 gap.standard_error, -4 * gap.standard_error, kl_from_best_normal(p_, kDimension)});
            for (const auto& [place, x] : places(wide, seed)) {
                add({place + ", there and back, float32", 0,
                     round_trip(narrow, x.to(torch::kFloat)), 0, 0, 1e-5});
                add({place + ", there and back, float64", 0, round_trip(wide, x), 0, 0, 1e-10});
            }
            add(integral(narrow, seed));
        }
        return checks;
    }

private:
    /// In model units: six deviations to either side along each principal axis of the law, which
    /// are the diagonal and any two across it, and rows of the data a hundred times as far out.
    std::vector<std::pair<std::string, Tensor>> places(const OpenedRun& run,
                                                       std::uint64_t seed) const {
        const double root = std::sqrt(static_cast<double>(kDimension));
        const double along = TwoNormals{p_.weight, root * p_.mean, p_.deviation}.law().deviation();
        const Tensor axes = torch::tensor({1., 1., 1., 1., -1., 0., 1., 1., -2.}, torch::kDouble)
                                .view({kDimension, kDimension});
        const Tensor deviations =
            torch::tensor({along, p_.deviation, p_.deviation}, torch::kDouble).unsqueeze(1);
        const Tensor steps = 6 * deviations * axes / axes.norm(2, {1}, true);
        const Tensor mean = torch::full({kDimension}, p_.law().mean(), torch::kDouble);
        const Scaling& scaling = run.description.scaling;
        const Tensor rows = all_of(p_.data(1000, seed + 2000, kDimension));
        return {{"six deviations", scaling.to_model(torch::cat({mean + steps, mean - steps}))},
                {"100 times the data", 100 * scaling.to_model(rows)}};
    }

    /// The largest |x' - x| / max(1, |x|) of a row, infinite where a number is not finite.
    static double round_trip(const OpenedRun& run, const Tensor& x) {
        const torch::NoGradGuard no_grad;
        const Latent& latent = *run.model->latent();
        const Tensor back = latent.decode(latent.encode(x, {}, Rng(0)).mean, {}, Rng(0));
        if (!back.isfinite().all().item<bool>()) return std::numeric_limits<double>::infinity();
        return ((back - x).norm(2, {1}) / x.norm(2, {1}).clamp_min(1)).max().item<double>();
    }

    /// E_q[p / q], q half of the law 1.5 times as wide, half a normal that covers all between.
    Check integral(const OpenedRun& run, std::uint64_t seed) const {
        const TwoNormals wide{p_.weight, p_.mean, 1.5 * p_.deviation};
        const double cover = 1.5 * p_.law().deviation();
        const TwoNormals round{0.5, 0, cover};
        const Scaling& scaling = run.description.scaling;
        std::vector<Tensor> ratios;
        for (const TwoNormals& part : {wide, round}) {
            const Tensor x = all_of(part.data(150000, seed + 3000, kDimension));
            const Tensor proposal =
                torch::logaddexp(log_density(wide, x), log_density(round, x)) - std::log(2.0);
            const Tensor log_p =
                log_density_of(*run.model->density(), scaling.to_model(x).to(torch::kFloat))
                    .to(torch::kDouble) +
                scaling.log_det({kDimension});
            ratios.push_back((log_p - proposal).exp());
        }
        // the two halves are strata, each of which has its own mean
        const Mean a = mean_of(ratios[0]), b = mean_of(ratios[1]);
        return {"integral of the density by importance",
                1,
                (a.value + b.value) / 2,
                std::hypot(a.standard_error, b.standard_error) / 2,
                0.99,
                1.01};
    }

    TwoNormals p_{0.3, 1.2, 0.6};
};

}  // namespace

std::unique_ptr<Claim> make_flow_exactness() {
    return std::make_unique<FlowExactness>();
}

}  // namespace pushforward
