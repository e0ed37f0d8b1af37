#include "pushforward/audit/channel_mixing.hpp"

#include "pushforward/audit/picture_truth.hpp"
#include "pushforward/base/errors.hpp"

#include <limits>

namespace pushforward {
namespace {

struct Parameters : Options {
    PixelOptions law;

    Parameters() { law.correlation = 0.9; }
    void visit(Fields& f) override {
        f.number("correlation", law.correlation,
                 {.doc = "of neighbouring channels", .low = 0.5, .high = 0.99});
        f.number("deviation", law.deviation, {.doc = "of a number", .low = 0.01, .high = 1});
    }
};

class ChannelMixing : public Claim {
public:
    Options& parameters() override { return p_; }

    std::vector<PlannedRun> runs(std::uint64_t seed) const override {
        return {{"convolution", recipe("lu", seed)}, {"permutation", recipe("permutation", seed)}};
    }

    std::vector<Check> measure(const RunFolders& runs, std::uint64_t seed) const override {
        const auto folder = runs.at("convolution").string();
        const auto gap = [&](const std::string& which) {
            return bits_short_of(p_.law, open_run(which), 4000, seed + 1000);
        };
        const Mean mixed = gap(folder), permuted = gap(runs.at("permutation").string());
        const double det = worst_log_det(p_.law, open_run(folder, {}, at::kCPU, Precision::float64),
                                         4, seed + 2000);
        return {
            {"bits a number that a convolution is short of the law", 0, mixed.value,
             mixed.standard_error, -4 * mixed.standard_error, 0.02},
            {"bits a number that a permutation loses beside it", 0.05, permuted.value - mixed.value,
             permuted.standard_error, 0.05, std::numeric_limits<double>::infinity()},
            {"log-determinant less that of autograd's Jacobian", 0, det, 0, 0, 1e-6}};
    }

private:
    /// One step: more of them would mix channels by their couplings.
    std::string recipe(const std::string& mixing, std::uint64_t seed) const {
        return text("[data]\nsource = \"", pixels_data(p_.law, 20000, seed),
                    "\"\nvalidation = 0.0\n[model]\nname = \"glow\"\nmixing = \"", mixing, R"("
levels = 1
transforms = 1
width = 16
)",
                    cosine_training({.steps = 600,
                                     .batch = 128,
                                     .learning_rate = "5e-3",
                                     .warmup = 20,
                                     .half_life = 20}));
    }

    Parameters p_;
};

}  // namespace

std::unique_ptr<Claim> make_channel_mixing() {
    return std::make_unique<ChannelMixing>();
}

}  // namespace pushforward
