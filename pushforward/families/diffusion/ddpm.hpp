#pragma once

#include "pushforward/families/diffusion/gaussian.hpp"

namespace pushforward {

enum class BetaSchedule { linear, cosine };

struct DdpmOptions : GaussianOptions {
    std::int64_t steps = 1000;
    BetaSchedule schedule = BetaSchedule::linear;
    Prediction prediction = Prediction::epsilon;

    void visit(Fields& f) override;
};

/// abar_k for k = 0..steps in float64, abar_0 = 1. linear: beta from 1e-4 to 0.02, both scaled by
/// 1000 / steps (Ho et al. 2020); cosine: s = 0.008, beta <= 0.999 (Nichol & Dhariwal 2021).
std::vector<double> alpha_bars(BetaSchedule schedule, std::int64_t steps);

/// The discrete path t = k / steps with alpha^2 = abar_k, sigma^2 = 1 - abar_k; between steps
/// log abar is interpolated linearly, for solvers in continuous time.
std::shared_ptr<const GaussianPath> ddpm_path(BetaSchedule schedule, std::int64_t steps,
                                              Prediction prediction);

/// Denoising diffusion (Ho et al. 2020; v: Salimans & Ho 2022).
std::unique_ptr<Model> make_ddpm(const DdpmOptions& options, const DenoisingSampling& sampling,
                                 const DataSpec& spec);

}  // namespace pushforward
