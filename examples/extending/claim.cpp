// A claim of your own: a statement as an experiment that can fail.
#include "pushforward/audit/claim.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/training/recipe.hpp"
#include "pushforward/training/run.hpp"

#include <doctest/doctest.h>
#include <torch/types.h>

#include <cmath>

namespace {

using namespace pushforward;

// [claim]
/// A model that is fitted to N(centre, 1) draws samples whose mean is `centre`.
class FindsTheCentre : public Claim {
public:
    struct Truth : Options {
        double centre = 3;
        void visit(Fields& f) override {
            f.number("centre", centre, {.doc = "mean of the data", .low = -10, .high = 10});
        }
    };
    Options& parameters() override { return truth_; }

    std::vector<PlannedRun> runs(std::uint64_t seed) const override {
        return {{"normal", text("[data]\nsource = \"sim:mixture?means=", truth_.centre,
                                "&sigma=1&seed=", seed, "\"\n[model]\nname = \"flow_matching\"\n",
                                "[model.network]\nname = \"mlp\"\n[train]\nsteps = 1000\n")}};
    }
    std::vector<Check> measure(const RunFolders& runs, std::uint64_t seed) const override {
        const OpenedRun run = open_run(runs.at("normal").string());
        const std::int64_t n = 4000;
        const Tensor x =
            draw_samples(*run.model, run.description.scaling, n, {}, seed, n, at::kCPU).x;
        const double mean = x.mean().item<double>(), error = 1 / std::sqrt(n);
        // Six standard errors, and the same again for what the fit may miss.
        const double band = 12 * error;
        return {{"mean", truth_.centre, mean, error, truth_.centre - band, truth_.centre + band}};
    }

private:
    Truth truth_;
};
// [claim]

TEST_CASE("a claim's data follow its parameters") {
    FindsTheCentre claim;
    const auto before = claim.runs(1).front().recipe;
    CHECK(parse_recipe(before, "claim").train.steps == 1000);
    dynamic_cast<FindsTheCentre::Truth&>(claim.parameters()).centre = -2;
    CHECK(claim.runs(1).front().recipe.find("means=-2&") != std::string::npos);
    CHECK(before.find("means=3&") != std::string::npos);
}

}  // namespace
