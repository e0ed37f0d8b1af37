#include "pushforward/audit/reverse_sde.hpp"

#include "pushforward/audit/denoising_truth.hpp"
#include "pushforward/audit/mixture_truth.hpp"
#include "pushforward/audit/truth.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/samplers/denoising_sampler.hpp"
#include "pushforward/training/run.hpp"

#include <torch/types.h>

#include <cmath>

namespace pushforward {
namespace {

struct Parameters : TwoNormals {
    std::int64_t steps = 1000;

    void visit(Fields& f) override {
        TwoNormals::visit(f);
        f.integer("steps", steps, {.doc = "of each sampler", .low = 100, .high = 10000});
    }
};

class ReverseSde : public Claim {
public:
    Options& parameters() override { return p_; }

    std::vector<PlannedRun> runs(std::uint64_t seed) const override {
        return {{"mixture", mixture_recipe(p_, seed)}};
    }

    std::vector<Check> measure(const RunFolders& runs, std::uint64_t seed) const override {
        const OpenedRun run = open_run(runs.at("mixture").string());
        const NormalMixture law = p_.law();
        std::vector<Check> checks;
        for (const std::string sampler : {"ancestral", "euler_maruyama", "predictor_corrector"}) {
            const auto x = draw(run, sampler, seed);
            const auto n = static_cast<double>(x.size());
            checks.push_back({sampler + ": Kolmogorov-Smirnov distance", 0,
                              ks_distance(x, [&](double v) { return law.cdf(v); }),
                              0.5 / std::sqrt(n), 0, 0.01});
            double left = 0;
            for (double v : x) left += v < 0 ? 1 / n : 0;
            const double expected = law.cdf(0);
            checks.push_back({sampler + ": share of draws on the left", expected, left,
                              std::sqrt(expected * (1 - expected) / n), expected - 0.01,
                              expected + 0.01});
        }
        return checks;
    }

private:
    std::vector<double> draw(const OpenedRun& run, const std::string& sampler,
                             std::uint64_t seed) const {
        DenoisingSampling how;
        how.sampler = sampler;
        how.steps = p_.steps;
        SampleRequest request;
        request.n = 100000;
        const Tensor x = sample_denoiser(*run.model->denoiser(), run.model->spec(), how, request,
                                         Rng(seed).split(1))
                             .x.to(torch::kDouble)
                             .contiguous();
        return {x.data_ptr<double>(), x.data_ptr<double>() + x.numel()};
    }

    Parameters p_;
};

}  // namespace

std::unique_ptr<Claim> make_reverse_sde() {
    return std::make_unique<ReverseSde>();
}

}  // namespace pushforward
