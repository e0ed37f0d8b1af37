#include "pushforward/audit/dequantisation.hpp"

#include "pushforward/audit/picture_truth.hpp"
#include "pushforward/audit/truth.hpp"
#include "pushforward/base/errors.hpp"

#include <cmath>
#include <limits>
#include <numbers>

namespace pushforward {
namespace {

/// Uniform pictures, and normal ones that are hardly wider than a level, so that the noise counts.
struct Parameters : Options {
    PixelOptions uniform, narrow;

    Parameters() {
        uniform.law = PixelLaw::uniform;
        narrow.deviation = 0.004;
        for (PixelOptions* law : {&uniform, &narrow}) {
            law->channels = 1;
            law->size = 4;
            law->levels = true;
        }
    }
    void visit(Fields& f) override {
        f.number("deviation", narrow.deviation,
                 {.doc = "of a number that is normal; a level is 0.0039", .low = 0.001, .high = 1});
    }
};

class DequantisationClaim : public Claim {
public:
    Options& parameters() override { return p_; }

    std::vector<PlannedRun> runs(std::uint64_t seed) const override {
        const auto noise = [](const std::string& name) {
            return "transforms = 4\ndequantisation = \"" + name + "\"";
        };
        const std::string logit = "transforms = 1\nlogit = 1e-6\n[model.base]\nname = \"logistic\"";
        return {{"uniform", recipe(p_.uniform, logit, seed)},
                {"narrow", recipe(p_.narrow, noise("uniform"), seed)},
                {"narrow-variational", recipe(p_.narrow, noise("variational"), seed)}};
    }

    std::vector<Check> measure(const RunFolders& runs, std::uint64_t seed) const override {
        const auto above = [&](const std::string& name, const PixelOptions& law) {
            return bits_short_of(law, open_run(runs.at(name).string()), 20000, seed + 1000);
        };
        const Mean eight = above("uniform", p_.uniform), plain = above("narrow", p_.narrow),
                   learnt = above("narrow-variational", p_.narrow);
        const double most = std::numeric_limits<double>::infinity(), normal = bits_of_best_normal();
        return {{"bits a number of uniform pictures", 8, 8 + eight.value, eight.standard_error,
                 8 - 0.01, 8 + 0.01},
                {"of narrow ones above their entropy, uniform noise; a normal's", normal,
                 plain.value, plain.standard_error, -3 * plain.standard_error, normal + 0.01},
                {"the same, variational noise", 0, learnt.value, learnt.standard_error,
                 -3 * learnt.standard_error, normal + 0.01},
                {"bits that variational noise saves", 0, plain.value - learnt.value,
                 plain.standard_error, 0, most}};
    }

private:
    /// What the normal with the mean and variance of k + u costs above the entropy of k, bits:
    /// log2(2 pi e (Var k + 1/12)) / 2 - H(k).
    double bits_of_best_normal() const {
        double entropy = 0, mean = 0, square = 0;
        for (int k = 0; k < 256; ++k) {
            const auto below = [&](int level) {
                return level == 0     ? 0.0
                       : level == 256 ? 1.0
                                      : normal_cdf((level / 256.0 - 0.5) / p_.narrow.deviation);
            };
            const double p = below(k + 1) - below(k);
            if (p > 0) entropy -= p * std::log2(p);
            mean += p * k;
            square += p * k * k;
        }
        const double variance = square - mean * mean + 1.0 / 12;
        return 0.5 * std::log2(2 * std::numbers::pi * std::numbers::e * variance) - entropy;
    }

    static std::string recipe(const PixelOptions& law, const std::string& model,
                              std::uint64_t seed) {
        return text("[data]\nsource = \"", pixels_data(law, 100000, seed),
                    "\"\nvalidation = 0.0\n[model]\nname = \"real_nvp\"\nlevels = 1\nwidth = 16\n",
                    model, "\n",
                    cosine_training({.steps = 1500,
                                     .batch = 256,
                                     .learning_rate = "2e-3",
                                     .warmup = 20,
                                     .half_life = 50}));
    }

    Parameters p_;
};

}  // namespace

std::unique_ptr<Claim> make_dequantisation() {
    return std::make_unique<DequantisationClaim>();
}

}  // namespace pushforward
