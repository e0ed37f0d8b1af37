#include "pushforward/audit/memorisation.hpp"

#include "pushforward/audit/denoising_truth.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/json.hpp"
#include "pushforward/training/run.hpp"

#include <torch/types.h>

#include <cmath>

namespace pushforward {
namespace {

struct Parameters : Options {
    std::int64_t few = 64, many = 20000, dimension = 8;

    void visit(Fields& f) override {
        f.integer("few", few, {.doc = "items that are memorised", .low = 8, .high = 256});
        f.integer("many", many, {.doc = "items that are not", .low = 5000, .high = 200000});
        f.integer("dimension", dimension, {.doc = "numbers an item", .low = 4, .high = 32});
    }
};

class Memorisation : public Claim {
public:
    Options& parameters() override { return p_; }

    std::vector<PlannedRun> runs(std::uint64_t seed) const override {
        return {{"few", recipe(p_.few, seed)}, {"many", recipe(p_.many, seed)}};
    }

    std::vector<Check> measure(const RunFolders& runs, std::uint64_t seed) const override {
        const auto ratio = [&](const char* name, std::int64_t n) {
            const OpenedRun run = open_run(runs.at(name).string());
            const Tensor train = all_of(data(n, seed)), fresh = all_of(data(2000, seed + 1000));
            const Tensor drawn =
                draw_samples(*run.model, run.description.scaling, 2000, {}, seed, 2000, run.device)
                    .x.to(torch::kDouble);
            const Mean near = mean_of(nearest(drawn, train)), far = mean_of(nearest(fresh, train));
            return Mean{near.value / far.value, near.value / far.value *
                                                    std::hypot(near.standard_error / near.value,
                                                               far.standard_error / far.value)};
        };
        const Mean few = ratio("few", p_.few), many = ratio("many", p_.many);
        return {{text("distance to the nearest of ", p_.few, " training items, draws over fresh"),
                 0, few.value, few.standard_error, 0, 0.3},
                {text("distance to the nearest of ", p_.many, " training items, draws over fresh"),
                 1, many.value, many.standard_error, 0.9, 1.1}};
    }

private:
    /// Two normals of unit deviation, so that the law is not the path's own.
    std::string data(std::int64_t n, std::uint64_t seed) const {
        std::string means;
        for (const char* centre : {"-1.5", "1.5"})
            for (std::int64_t d = 0; d < p_.dimension; ++d)
                means += (means.empty() ? "" : ",") + std::string(centre);
        return text("sim:mixture?dimension=", p_.dimension, "&means=", means, "&sigma=1&n=", n,
                    "&seed=", seed);
    }

    std::string recipe(std::int64_t n, std::uint64_t seed) const {
        return text("[data]\nsource = \"", data(n, seed), R"("
validation = 0.0
scale = false
[model]
name = "edm"
sigma_data = 1.8
sigma_min = 0.01
sigma_max = 40.0
[model.network]
name = "mlp"
width = 256
layers = 4
features = 0
)",
                    cosine_training({.steps = 8000,
                                     .batch = 512,
                                     .learning_rate = "1e-3",
                                     .warmup = 100,
                                     .half_life = 100}));
    }

    static Tensor nearest(const Tensor& x, const Tensor& items) {
        return torch::cdist(x, items).amin(1);
    }

    Parameters p_;
};

}  // namespace

std::unique_ptr<Claim> make_memorisation() {
    return std::make_unique<Memorisation>();
}

}  // namespace pushforward
