#include "pushforward/samplers/likelihood.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/core/rowwise.hpp"
#include "pushforward/math/divergence.hpp"
#include "pushforward/math/ode.hpp"
#include "pushforward/samplers/guidance.hpp"
#include "pushforward/samplers/time_grid.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <numbers>
#include <utility>

namespace pushforward {
namespace {

const double kLogTwoPi = std::log(2 * std::numbers::pi);

/// sum over the event, [B].
Tensor per_row(const Tensor& x) {
    return x.flatten(1).sum(1);
}

class DenoiserDensity : public Density {
public:
    explicit DenoiserDensity(const Denoiser& model) : model_(model) {}

    std::vector<Estimator> estimators() const override {
        std::vector<Estimator> all = {{"ode", Strength::estimate, Measure::density},
                                      {"ode_exact", Strength::estimate, Measure::density},
                                      {"ode_hutchinson", Strength::estimate, Measure::density},
                                      {"bound", Strength::lower_bound, Measure::density},
                                      {"bound_forward", Strength::lower_bound, Measure::density}};
        if (model_.learns_variance())
            all.push_back({"bound_learned", Strength::lower_bound, Measure::density});
        return all;
    }

    Tensor log_prob(const Tensor& x, const Condition& c, const std::string& estimator,
                    Rng rng) const override {
        const Denoise denoise = guided(model_, c, {});
        const Path& path = model_.path();
        const std::int64_t dims = x.flatten(1).size(1);
        if (estimator.starts_with("bound")) {
            const auto times = path.steps() > 0 ? time_grid(path, Grid::uniform, path.steps())
                                                : time_grid(path, Grid::log_snr, 1000);
            const auto variance = estimator == "bound"           ? ReverseVariance::posterior
                                  : estimator == "bound_forward" ? ReverseVariance::forward
                                                                 : ReverseVariance::learned;
            const auto terms = dims <= 64 ? static_cast<std::int64_t>(times.size()) : 100;
            return variational_bound(denoise, path, x, times, variance, terms, rng).log_prob();
        }
        const bool exact = estimator == "ode_exact" || (estimator == "ode" && dims <= 32);
        return ode_log_prob(denoise, path, x, exact ? Trace::exact : Trace::hutchinson, 1e-4, rng);
    }

private:
    const Denoiser& model_;
};

}  // namespace

std::unique_ptr<Density> make_denoiser_density(const Denoiser& model) {
    return std::make_unique<DenoiserDensity>(model);
}

Tensor ode_log_prob(const Denoise& denoise, const Path& path, const Tensor& x, Trace trace,
                    double tolerance, Rng& rng) {
    const at::NoGradGuard no_grad;
    const std::int64_t rows = x.size(0), dims = x.flatten(1).size(1);
    const Tensor signs =
        2 * (rng.uniform(x.sizes(), at::kDouble, x.device()) < 0.5).to(at::kDouble) - 1;
    // The state is the item and, in its last place, the integral of the divergence.
    const auto slope = [&](const Tensor& t, const Tensor& state) {
        const Level level = path.at(t), rate = path.derivative(t);
        const Tensor ratio = rate.sigma / level.sigma;
        const Tensor gain = rate.alpha - ratio * level.alpha;  // f = ratio x + gain E[x0 | x]
        const at::AutoGradMode with_grad(true);
        const Tensor at = state.slice(1, 0, dims).view(x.sizes()).detach().requires_grad_(true);
        const Tensor x0 = denoise(at, t).x0.to(at::kDouble);
        const Tensor div = dims * ratio + gain * divergence(x0, at, trace, signs);
        const Tensor f = ratio.unsqueeze(1) * at.flatten(1) + gain.unsqueeze(1) * x0.flatten(1);
        return at::cat({f, div.unsqueeze(1)}, 1).detach();
    };
    const double first = level_at(path, path.t_min()).alpha;
    const double last = level_at(path, path.t_max()).sigma;
    const Tensor start = at::cat({first * x.to(at::kDouble).flatten(1),
                                  at::zeros({rows, 1}, x.options().dtype(at::kDouble))},
                                 1);
    const Tensor end =
        dormand_prince(slope, start, path.t_min(), path.t_max(), {tolerance, tolerance});
    const Tensor z = end.slice(1, 0, dims) / last;
    return -0.5 * z.square().sum(1) -
           static_cast<double>(dims) * (0.5 * kLogTwoPi + std::log(last)) + end.select(1, dims) +
           static_cast<double>(dims) * std::log(first);
}

VariationalBound variational_bound(const Denoise& denoise, const Path& path, const Tensor& x,
                                   const std::vector<double>& times, ReverseVariance variance,
                                   std::int64_t evaluations, Rng& rng) {
    const at::NoGradGuard no_grad;
    const Tensor x0 = x.to(at::kDouble);
    const std::int64_t rows = x0.size(0);
    const Tensor time = at::tensor(times, x0.options());
    const Level level = path.at(time.slice(0, 0, -1));
    const Tensor alpha = at::cat({level.alpha, at::ones({1}, x0.options())});
    const Tensor sigma = at::cat({level.sigma, at::zeros({1}, x0.options())});
    const bool learned = variance == ReverseVariance::learned;
    // (x0 - E[x0 | x_t])^2 for a drawn x_t, and the learnt variance
    const auto asked = [&](const Tensor& k) -> std::pair<Tensor, Tensor> {
        const Tensor xt = rowwise(alpha.index_select(0, k), x0) * x0 +
                          rowwise(sigma.index_select(0, k), x0) *
                              rng.normal(x0.sizes(), at::kDouble, x0.device());
        const Denoised back = denoise(xt.to(x.scalar_type()), time.index_select(0, k));
        PF_CHECK(!learned || back.variance.defined(), "variational_bound",
                 "a denoiser that has learnt its variance", "one that has not");
        return {(x0 - back.x0.to(at::kDouble)).square(),
                learned ? back.variance.to(at::kDouble) : Tensor()};
    };
    VariationalBound bound;
    bound.prior = 0.5 * per_row((alpha[0] / sigma[0] * x0).square());

    const std::int64_t steps = time.size(0) - 2;  // the last one is the decoder's
    const std::int64_t drawn = std::min(evaluations, steps);
    const double share = static_cast<double>(steps) / static_cast<double>(drawn);
    bound.steps = at::zeros({rows}, x0.options());
    for (std::int64_t i = 0; i < drawn; ++i) {
        // a step of the i-th of `drawn` equal parts of the chain, for each row
        Tensor place = at::full({rows}, static_cast<double>(i), x0.options());
        if (drawn < steps) place = place + rng.uniform({rows}, at::kDouble, x0.device());
        const Tensor k = (place * share).to(at::kLong).clamp_max(steps - 1);
        const Tensor alpha_t = alpha.index_select(0, k), sigma_t = sigma.index_select(0, k);
        const Tensor alpha_s = alpha.index_select(0, k + 1), sigma_s = sigma.index_select(0, k + 1);
        const Tensor added = sigma_t.square() - (alpha_t / alpha_s * sigma_s).square();
        const Tensor posterior = rowwise(added * (sigma_s / sigma_t).square(), x0);
        // the square of q's mean less p's is this times that of x0 - E[x0 | x_t]
        const Tensor weight = rowwise((alpha_s * added / sigma_t.square()).square(), x0);
        const auto [error, square] = asked(k);
        const Tensor reverse = learned                                ? posterior + weight * square
                               : variance == ReverseVariance::forward ? rowwise(added, x0)
                                                                      : posterior;
        const Tensor ratio = posterior / reverse;
        const Tensor kl = 0.5 * (ratio - 1 - ratio.log() + weight * error / reverse);
        bound.steps = bound.steps + share * per_row(kl);
    }
    const Tensor first = at::full({rows}, time.size(0) - 2, x0.options().dtype(at::kLong));
    const auto [error, square] = asked(first);
    const Tensor spread = learned ? square : sigma[time.size(0) - 2].square();
    bound.decoder = 0.5 * per_row(error / spread + kLogTwoPi + spread.log());
    return bound;
}

}  // namespace pushforward
