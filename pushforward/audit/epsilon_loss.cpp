#include "pushforward/audit/epsilon_loss.hpp"

#include "pushforward/audit/denoising_truth.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/training/run.hpp"

#include <torch/types.h>

#include <cmath>

namespace pushforward {
namespace {

struct Parameters : Options {
    Fields::Numbers lambda = {4, 1, 0.25};
    std::int64_t steps = 1000;
    std::string schedule = "linear";

    void visit(Fields& f) override {
        f.numbers("lambda", lambda,
                  {.doc = "variances of the data, one network each", .low = 0.01, .high = 100});
        f.integer("steps", steps, {.doc = "noise levels T of the chain", .low = 50, .high = 10000});
        f.choice("schedule", schedule, {"linear", "cosine"}, {.doc = "how the noise grows"});
    }
};

std::string run_name(double lambda) {
    return text("lambda-", lambda);
}

class EpsilonLoss : public Claim {
public:
    Options& parameters() override { return p_; }

    std::vector<PlannedRun> runs(std::uint64_t seed) const override {
        PF_CHECK(!p_.lambda.empty(), "lambda", "at least one variance", "none");
        std::vector<PlannedRun> all;
        for (const double lambda : p_.lambda)
            all.push_back(
                {run_name(lambda), gaussian_recipe(lambda, p_.schedule, p_.steps, 1000, seed)});
        return all;
    }

    std::vector<Check> measure(const RunFolders& runs, std::uint64_t seed) const override {
        const NoiseChain truth = noise_chain(p_.schedule, p_.steps);
        std::vector<Check> checks;
        for (const double lambda : p_.lambda) {
            const std::string folder = runs.at(run_name(lambda)).string();
            Rng rng = Rng(seed).split(2);
            const Tensor x0 = std::sqrt(lambda) * rng.normal({kItems, 1}, torch::kDouble);
            const Noised batch = noised(truth, x0, rng.split(0));
            for (auto& check : losses(*open_run(folder).model->denoiser(), batch, lambda, truth))
                checks.push_back(std::move(check));
            const OpenedRun exact = open_run(folder, {}, torch::kCPU, Precision::float64);
            checks.push_back(conversions(*exact.model->denoiser(), batch));
            for (std::size_t i = checks.size() - 3; i < checks.size(); ++i)
                checks[i].name += text(", lambda = ", lambda);
        }
        return checks;
    }

private:
    static constexpr std::int64_t kItems = 1000000;

    static std::vector<Check> losses(const Denoiser& model, const Noised& b, double lambda,
                                     const NoiseChain& truth) {
        double floor = 0;
        for (std::size_t k = 1; k < truth.abar.size(); ++k) {
            const double signal = truth.abar[k] * lambda;
            floor += signal / (signal + 1 - truth.abar[k]) / static_cast<double>(truth.steps());
        }
        const Tensor optimal = b.sigma * b.x / (b.alpha.square() * lambda + b.sigma.square());
        const Tensor loss = per_item((believed_epsilon(model, b, 20000) - b.eps).square());
        const Mean all = mean_of(loss);
        const Mean excess = mean_of(loss - per_item((optimal - b.eps).square()));
        // The draws' own error is wider than the bar on the excess, so it is allowed for.
        return {{"epsilon-loss", floor, all.value, all.standard_error,
                 floor - 4 * all.standard_error, floor + 0.002 + 4 * all.standard_error},
                {"loss over the optimal predictor's", 0, excess.value, excess.standard_error,
                 -3 * excess.standard_error, 0.002}};
    }

    /// In float64, with eps = F from the training residual and x0 from the prediction:
    /// x_k = alpha x0 + sigma eps, x0 = alpha x_k - sigma v, eps = sigma x_k + alpha v for
    /// v = alpha eps - sigma x0 (Salimans & Ho 2022), x0 = (x_k + sigma^2 score) / alpha for
    /// score = -eps / sigma (Efron 2011), the last times alpha.
    static Check conversions(const Denoiser& model, const Noised& all) {
        const torch::NoGradGuard no_grad;
        const std::int64_t n = 10000, stride = all.x.size(0) / n;
        auto some = [&](const Tensor& t) { return t.slice(0, 0, t.size(0), stride); };
        const Tensor x = some(all.x), alpha = some(all.alpha), sigma = some(all.sigma),
                     time = some(all.time);
        const Tensor x0 = model.predict_x0(x, time, {});
        const Tensor eps = some(all.eps) + model.residual(some(all.x0), some(all.eps), time, {});
        const Tensor v = alpha * eps - sigma * x0, score = -eps / sigma;
        double worst = 0;
        for (const Tensor& difference :
             {alpha * x0 + sigma * eps - x, alpha * x - sigma * v - x0, sigma * x + alpha * v - eps,
              x + sigma.square() * score - alpha * x0})
            worst = std::max(worst, difference.abs().max().item<double>());
        return {"largest error of a conversion", 0, worst, 0, 0, 1e-6};
    }

    Parameters p_;
};

}  // namespace

std::unique_ptr<Claim> make_epsilon_loss() {
    return std::make_unique<EpsilonLoss>();
}

}  // namespace pushforward
