#include "pushforward/audit/parallel_passes.hpp"

#include "pushforward/audit/two_normals.hpp"
#include "pushforward/base/errors.hpp"

#include <torch/types.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <limits>

namespace pushforward {
namespace {

struct Parameters : TwoNormals {
    std::int64_t dimension = 32;

    Parameters() : TwoNormals(0.3, 0.5, 0.5) {}
    void visit(Fields& f) override {
        TwoNormals::visit(f);
        f.integer("dimension", dimension, {.doc = "numbers a row", .low = 8, .high = 256});
    }
};

double seconds_of(const std::function<void()>& work) {
    const auto began = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - began;
    return spent.count();
}

double median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

class ParallelPasses : public Claim {
public:
    Options& parameters() override { return p_; }

    std::vector<PlannedRun> runs(std::uint64_t seed) const override {
        std::vector<PlannedRun> runs;
        for (const char* flow : {"real_nvp", "maf", "iaf"})
            runs.push_back({flow, text("[data]\nsource = \"", p_.data(50000, seed, p_.dimension),
                                       "\"\nvalidation = 0.0\n[model]\nname = \"", flow,
                                       "\"\ntransforms = 4\nwidth = 64\n",
                                       cosine_training({.steps = 400,
                                                        .batch = 256,
                                                        .learning_rate = "3e-3",
                                                        .warmup = 20,
                                                        .half_life = 20}))});
        return runs;
    }

    std::vector<Check> measure(const RunFolders& runs, std::uint64_t seed) const override {
        constexpr double any = std::numeric_limits<double>::infinity();
        const double passes = static_cast<double>(p_.dimension);
        std::vector<Check> checks = {
            {"couplings: time of drawing over that of scoring", 1,
             drawing_over_scoring(runs.at("real_nvp"), seed), 0, 0.5, 2},
            {"autoregression: time of drawing over that of scoring", passes,
             drawing_over_scoring(runs.at("maf"), seed), 0, passes / 4, any},
            {"its inverse: time of scoring over that of drawing", passes,
             1 / drawing_over_scoring(runs.at("iaf"), seed), 0, passes / 4, any}};
        for (const auto& [flow, folder] : runs) {
            const Mean gap =
                short_of(p_, open_run(folder.string()), p_.dimension, 4000, seed + 1000);
            checks.push_back({flow + ": nats that it is short of the law", 0, gap.value,
                              gap.standard_error, -4 * gap.standard_error, 1});
        }
        return checks;
    }

private:
    /// Medians of turns that draw and score as many rows; no turn draws what another did.
    static double drawing_over_scoring(const std::filesystem::path& folder, std::uint64_t seed) {
        const OpenedRun run = open_run(folder.string());
        const torch::NoGradGuard no_grad;
        const std::int64_t rows = 2000, turns = 9;
        std::vector<double> drawing, scoring;
        for (std::int64_t turn = 0; turn <= turns; ++turn) {
            const Rng rng = Rng(seed).split(static_cast<std::uint64_t>(turn));
            Samples drawn;
            const double draw = seconds_of([&] { drawn = run.model->sample({rows}, rng); });
            const double score =
                seconds_of([&] { run.model->density()->log_prob(drawn.x, {}, "exact", rng); });
            if (turn == 0) continue;  // the first pays for memory
            drawing.push_back(draw);
            scoring.push_back(score);
        }
        return median(drawing) / median(scoring);
    }

    Parameters p_;
};

}  // namespace

std::unique_ptr<Claim> make_parallel_passes() {
    return std::make_unique<ParallelPasses>();
}

}  // namespace pushforward
