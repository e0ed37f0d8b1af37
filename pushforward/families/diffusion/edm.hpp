#pragma once

#include "pushforward/families/diffusion/gaussian.hpp"

namespace pushforward {

struct EdmOptions : GaussianOptions {
    double sigma_data = 0.5, sigma_min = 0.002, sigma_max = 80;

    void visit(Fields& f) override;
};

/// alpha = 1, sigma = t with the preconditioning of Karras et al. 2022, table 1; training times are
/// log-normal, ln sigma ~ N(-1.2, 1.2^2).
std::shared_ptr<const GaussianPath> edm_path(double sigma_data, double sigma_min, double sigma_max);

/// Elucidated diffusion (Karras et al. 2022).
std::unique_ptr<Model> make_edm(const EdmOptions& options, const DenoisingSampling& sampling,
                                const DataSpec& spec);
/// 18 steps of Heun on the rho grid.
DenoisingSampling edm_sampling();

}  // namespace pushforward
