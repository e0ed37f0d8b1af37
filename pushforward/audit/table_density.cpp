#include "pushforward/audit/table_density.hpp"

#include "pushforward/audit/denoising_truth.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/recipe_text.hpp"
#include "pushforward/simulators/catalogue.hpp"
#include "pushforward/training/recipe.hpp"
#include "pushforward/training/run.hpp"
#include "pushforward/training/scoring.hpp"

#include <torch/types.h>

#include <limits>

namespace pushforward {
namespace {

struct Parameters : Options {
    std::int64_t dimension = 21, law = 0;

    void visit(Fields& f) override {
        f.integer("dimension", dimension, {.doc = "numbers a row", .low = 2, .high = 100});
        f.integer("law", law, {.doc = "the seed of both laws' parameters", .low = 0});
    }
};

class TableDensity : public Claim {
public:
    Options& parameters() override { return p_; }

    std::vector<PlannedRun> runs(std::uint64_t seed) const override {
        std::vector<PlannedRun> runs;
        for (const std::string rotated : {"before", "after"})
            runs.push_back({rotated, recipe_text(load_recipe(
                                         "table-flow",
                                         {"data.source=" + toml_text(data(rotated, 5000000, seed)),
                                          "data.validation=0.0", "train.validate_every=0",
                                          "train.checkpoint_every=0", "train.patience=0"}))});
        return runs;
    }

    std::vector<Check> measure(const RunFolders& runs, std::uint64_t seed) const override {
        const OpenedRun before = open_run(runs.at("before").string());
        const OpenedRun after = open_run(runs.at("after").string());
        const Mean first = gap(before, "before", seed), second = gap(after, "after", seed);
        return {{"x = sinh(R y): nats that the model is short of the law", 0, first.value,
                 first.standard_error, -4 * first.standard_error, 0.05},
                {"x = R sinh(y): the same, no bar but the law's own", 0, second.value,
                 second.standard_error, -4 * second.standard_error,
                 std::numeric_limits<double>::infinity()},
                integral(before, "before", seed)};
    }

private:
    std::string data(const std::string& rotated, std::int64_t n, std::uint64_t seed) const {
        return text("sim:warped?dimension=", p_.dimension, "&law=", p_.law, "&rotated=", rotated,
                    "&n=", n, "&seed=", seed);
    }
    std::unique_ptr<Simulator> law(const std::string& rotated) const {
        return make_simulator("warped", {{"dimension", std::to_string(p_.dimension)},
                                         {"law", std::to_string(p_.law)},
                                         {"rotated", rotated}});
    }

    /// The mean over fresh rows of the law's log-density less the model's.
    Mean gap(const OpenedRun& run, const std::string& rotated, std::uint64_t seed) const {
        ScoreRequest request;
        request.data = data(rotated, 50000, seed + 1000);
        request.seed = seed;
        request.batch = 5000;
        return mean_of(law(rotated)->log_prob(all_of(request.data)) -
                       score_run(run, request).log_prob);
    }

    /// E of law over model under the model, by its own samples and their log-densities.
    Check integral(const OpenedRun& run, const std::string& rotated, std::uint64_t seed) const {
        const Samples drawn =
            draw_samples(*run.model, run.description.scaling, 200000, {}, seed, 5000, run.device);
        const Tensor ratio =
            (law(rotated)->log_prob(drawn.x) - drawn.log_prob.to(torch::kDouble)).exp();
        const Mean mass = mean_of(ratio);
        return {"importance integral of the law over the model's samples",
                1,
                mass.value,
                mass.standard_error,
                0.99,
                1.01};
    }

    Parameters p_;
};

}  // namespace

std::unique_ptr<Claim> make_table_density() {
    return std::make_unique<TableDensity>();
}

}  // namespace pushforward
