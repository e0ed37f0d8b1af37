#include "pushforward/audit/one_step.hpp"

#include "pushforward/audit/denoising_truth.hpp"
#include "pushforward/audit/ring_truth.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/json.hpp"
#include "pushforward/metrics/wasserstein.hpp"
#include "pushforward/training/run.hpp"

#include <torch/types.h>

#include <cmath>

namespace pushforward {
namespace {

class OneStep : public Claim {
public:
    Options& parameters() override { return p_; }

    std::vector<PlannedRun> runs(std::uint64_t seed) const override {
        return {{"teacher", recipe(seed, "width = 160", "", 4000, 512, 2e-3)},
                {"student",
                 recipe(seed, "width = 64\nfeatures = 0",
                        "[objective]\npairing = \"teacher\"\ntimes = \"last\"\n", 3000, 1024, 4e-3),
                 "teacher"}};
    }

    std::vector<Check> measure(const RunFolders& runs, std::uint64_t seed) const override {
        const OpenedRun student = open_run(runs.at("student").string());
        const std::int64_t n = 2000, times = 10;
        const Samples drawn = draw_samples(*student.model, student.description.scaling, n * times,
                                           {}, seed, 4096, student.device);
        // Fresh sets, each used once, so that the ten ratios' parts are independent.
        const Tensor fresh = all_of(p_.data(2 * n * times, seed + 1000));
        double reached = 0, least = 0, squares = 0;
        for (std::int64_t i = 0; i < times; ++i) {
            const Tensor a = fresh.slice(0, 2 * i * n, (2 * i + 1) * n);
            const Tensor b = fresh.slice(0, (2 * i + 1) * n, (2 * i + 2) * n);
            const double own = wasserstein_2(drawn.x.slice(0, i * n, (i + 1) * n), a).value;
            reached += own / static_cast<double>(times);
            squares += own * own / static_cast<double>(times);
            least += wasserstein_2(b, a).value / static_cast<double>(times);
        }
        const double spread =
            std::sqrt(std::max(0.0, squares - reached * reached) / static_cast<double>(times));
        return {{text("W2 of ", n, " draws to ", n, " data, over that of data to data"), 1,
                 reached / least, spread / least, 0, 1.1},
                {"evaluations of the network a draw", 1, static_cast<double>(drawn.evaluations), 0,
                 1, 1}};
    }

private:
    std::string recipe(std::uint64_t seed, const char* network, const char* objective,
                       std::int64_t steps, std::int64_t batch, double rate) const {
        return text("[data]\nsource = \"", p_.data(200000, seed), R"("
validation = 0.0
[model]
name = "edm"
sigma_min = 0.01
sigma_max = 20.0
[model.network]
name = "mlp"
)",
                    network, "\n", objective, "[train]\nsteps = ", steps, "\nbatch = ", batch,
                    "\nlearning_rate = ", number_text(rate), R"(
schedule = "cosine"
warmup = 100
ema_half_life = 50
precision = "float32"
)",
                    weights_only_training, "[sample]\nsteps = ", *objective ? 1 : 18, "\n");
    }

    RingTruth p_;
};

}  // namespace

std::unique_ptr<Claim> make_one_step() {
    return std::make_unique<OneStep>();
}

}  // namespace pushforward
