#pragma once

#include "pushforward/families/diffusion/gaussian.hpp"

namespace pushforward {

/// Which SDE carries data to noise in t in (0, 1] (Song et al. 2021, sec. 3.4 and app. C), with
/// B(t) = beta_min t + (beta_max - beta_min) t^2 / 2:
/// vp: alpha = exp(-B/2), sigma^2 = 1 - alpha^2; sub_vp: the same alpha, sigma = 1 - alpha^2;
/// ve: alpha = 1, sigma^2 = sigma_min^2 ((sigma_max / sigma_min)^(2t) - 1).
enum class Process { vp, sub_vp, ve };

struct ScoreSdeOptions : GaussianOptions {
    Process process = Process::vp;
    double beta_min = 0.1, beta_max = 20;
    double sigma_min = 0.01, sigma_max = 50;
    Prediction prediction = Prediction::epsilon;

    void visit(Fields& f) override;
};

/// The path of those options; times end at 1e-3. UsageError when `min` is not below `max`.
std::shared_ptr<const GaussianPath> sde_path(const ScoreSdeOptions& options);

/// Score-based models in continuous time (Song et al. 2021).
std::unique_ptr<Model> make_score_sde(const ScoreSdeOptions& options,
                                      const DenoisingSampling& sampling, const DataSpec& spec);

}  // namespace pushforward
