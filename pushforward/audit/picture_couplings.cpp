#include "pushforward/audit/picture_couplings.hpp"

#include "pushforward/audit/picture_truth.hpp"
#include "pushforward/base/errors.hpp"

namespace pushforward {
namespace {

struct Parameters : Options {
    PixelOptions law;

    Parameters() { law.channels = 4; }
    void visit(Fields& f) override {
        f.number("deviation", law.deviation, {.doc = "of a number", .low = 0.01, .high = 1});
    }
};

class PictureCouplings : public Claim {
public:
    Options& parameters() override { return p_; }

    std::vector<PlannedRun> runs(std::uint64_t seed) const override {
        return {{"real_nvp", text("[data]\nsource = \"", pixels_data(p_.law, 20000, seed), R"("
validation = 0.0
[model]
name = "real_nvp"
levels = 2
transforms = 2
width = 16
)",
                                  cosine_training({.steps = 400,
                                                   .batch = 128,
                                                   .learning_rate = "2e-3",
                                                   .warmup = 20,
                                                   .half_life = 20}))}};
    }

    std::vector<Check> measure(const RunFolders& runs, std::uint64_t seed) const override {
        const auto folder = runs.at("real_nvp").string();
        const Mean gap = bits_short_of(p_.law, open_run(folder), 2000, seed + 1000);
        const double det = worst_log_det(p_.law, open_run(folder, {}, at::kCPU, Precision::float64),
                                         4, seed + 2000);
        // a determinant that forgot the numbers that left would put the model above the law
        return {{"bits a number that the flow is short of the law", 0, gap.value,
                 gap.standard_error, -4 * gap.standard_error, 0.02},
                {"log-determinant less that of autograd's Jacobian", 0, det, 0, 0, 1e-6}};
    }

private:
    Parameters p_;
};

}  // namespace

std::unique_ptr<Claim> make_picture_couplings() {
    return std::make_unique<PictureCouplings>();
}

}  // namespace pushforward
