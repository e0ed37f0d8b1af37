#include "pushforward/audit/dequantisation.hpp"

#include "pushforward/audit/picture_truth.hpp"
#include "pushforward/base/errors.hpp"

#include <limits>

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
        const std::string spline = "name = \"spline\"\ntransforms = 2\nwidth = 32";
        const std::string couplings =
            "name = \"real_nvp\"\nlevels = 1\ntransforms = 4\nwidth = 16\ndequantisation = ";
        return {{"uniform", recipe(p_.uniform, spline, seed)},
                {"narrow", recipe(p_.narrow, couplings + "\"uniform\"", seed)},
                {"narrow-variational", recipe(p_.narrow, couplings + "\"variational\"", seed)}};
    }

    std::vector<Check> measure(const RunFolders& runs, std::uint64_t seed) const override {
        const auto above = [&](const std::string& name, const PixelOptions& law) {
            return bits_short_of(law, open_run(runs.at(name).string()), 20000, seed + 1000);
        };
        const Mean eight = above("uniform", p_.uniform), plain = above("narrow", p_.narrow),
                   learnt = above("narrow-variational", p_.narrow);
        const double most = std::numeric_limits<double>::infinity();
        return {{"bits a number of uniform pictures", 8, 8 + eight.value, eight.standard_error,
                 8 - 0.01, 8 + 0.01},
                {"of narrow ones above their entropy, uniform noise", 0, plain.value,
                 plain.standard_error, -3 * plain.standard_error, most},
                {"the same, variational noise", 0, learnt.value, learnt.standard_error,
                 -3 * learnt.standard_error, 0.02},
                {"bits that variational noise saves", 0, plain.value - learnt.value,
                 plain.standard_error, 0, most}};
    }

private:
    static std::string recipe(const PixelOptions& law, const std::string& model,
                              std::uint64_t seed) {
        return text("[data]\nsource = \"", pixels_data(law, 100000, seed),
                    "\"\nvalidation = 0.0\n[model]\n", model, R"(
[train]
steps = 1500
batch = 256
learning_rate = 2e-3
schedule = "cosine"
warmup = 20
ema_half_life = 50
precision = "float32"
)",
                    weights_only_training);
    }

    Parameters p_;
};

}  // namespace

std::unique_ptr<Claim> make_dequantisation() {
    return std::make_unique<DequantisationClaim>();
}

}  // namespace pushforward
