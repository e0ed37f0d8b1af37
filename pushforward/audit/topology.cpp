#include "pushforward/audit/topology.hpp"

#include "pushforward/audit/denoising_truth.hpp"
#include "pushforward/audit/ring_truth.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/training/run.hpp"

#include <torch/types.h>

#include <cmath>

namespace pushforward {
namespace {

/// A flow and how it is fitted: a name, lines of [model], and the base's.
struct Fitted {
    const char* name;
    const char* model;
    const char* base;
    double most;  ///< bridge mass that passes
};
constexpr Fitted fitted[] = {
    {"splines from a normal", "name = \"spline\"\ntransforms = 6", "name = \"normal\"", 0.02},
    {"affine couplings from a normal", "name = \"real_nvp\"\ntransforms = 16", "name = \"normal\"",
     0.02},
    {"splines from a mixture", "name = \"spline\"\ntransforms = 6",
     "name = \"mixture\"\ncomponents = 16", 0.001},
};

class Topology : public Claim {
public:
    Options& parameters() override { return p_; }

    std::vector<PlannedRun> runs(std::uint64_t seed) const override {
        std::vector<PlannedRun> runs;
        for (const Fitted& flow : fitted)
            runs.push_back({run_name(flow), text("[data]\nsource = \"", p_.data(200000, seed),
                                                 "\"\nvalidation = 0.0\n[model]\n", flow.model,
                                                 "\n[model.base]\n", flow.base, R"(
[train]
steps = 5000
batch = 512
learning_rate = 2e-3
schedule = "cosine"
warmup = 50
ema_half_life = 50
)",
                                                 weights_only_training)});
        return runs;
    }

    std::vector<Check> measure(const RunFolders& runs, std::uint64_t seed) const override {
        std::vector<Check> checks;
        for (const Fitted& flow : fitted) {
            const OpenedRun run = open_run(runs.at(run_name(flow)).string());
            const std::int64_t n = 100000;
            const Tensor x =
                draw_samples(*run.model, run.description.scaling, n, {}, seed, 5000, run.device)
                    .x.to(torch::kDouble);
            const double share = bridges(x);
            checks.push_back({text(flow.name, ": mass outside of five deviations of every mode"),
                              std::exp(-12.5),  // of a round normal in the plane
                              share, std::sqrt(share * (1 - share) / static_cast<double>(n)), 0,
                              flow.most});
        }
        return checks;
    }

private:
    static std::string run_name(const Fitted& flow) {
        std::string name = flow.name;
        for (char& c : name) c = c == ' ' ? '-' : c;
        return name;
    }

    double bridges(const Tensor& x) const {
        const Tensor square = (x.unsqueeze(1) - p_.centres()).square().sum(2);
        return (square.amin(1) > 25 * p_.sigma * p_.sigma).to(torch::kDouble).mean().item<double>();
    }

    RingTruth p_;
};

}  // namespace

std::unique_ptr<Claim> make_topology() {
    return std::make_unique<Topology>();
}

}  // namespace pushforward
