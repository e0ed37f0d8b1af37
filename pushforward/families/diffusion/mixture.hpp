#pragma once

#include "pushforward/base/fields.hpp"
#include "pushforward/core/model.hpp"

#include <memory>

namespace pushforward {

struct MixtureModelOptions : Options {
    std::int64_t components = 8;
    double beta_min = 0.1, beta_max = 20;

    void visit(Fields& f) override;
};
struct MixtureSampling : Options {
    double temperature = 1;

    void visit(Fields& f) override;
};

/// p(x | c) = sum_k w_k(c) N(x; m_k, diag(s_k^2)), in full: an exact density, exact samples, and as
/// a denoiser on the variance-preserving path of Song et al. 2021 E[x0 | x_t] in closed form:
/// sum_k p(k | x_t, c) (m_k + alpha s_k^2 / (alpha^2 s_k^2 + sigma^2) (x_t - alpha m_k)). The
/// baseline that a density should beat (McLachlan & Peel 2000), and what every sampler of a
/// denoiser can be tried on without a network's error. `temperature` scales the s_k.
std::unique_ptr<Model> make_mixture_model(const MixtureModelOptions& options,
                                          const MixtureSampling& sampling, const DataSpec& spec);

}  // namespace pushforward
