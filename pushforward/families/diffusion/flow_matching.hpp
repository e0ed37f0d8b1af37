#pragma once

#include "pushforward/families/diffusion/gaussian.hpp"

namespace pushforward {

struct FlowMatchingOptions : GaussianOptions {};

/// alpha = 1 - t, sigma = t; the network is the velocity eps - x0.
std::shared_ptr<const GaussianPath> straight_path();

/// Flow matching on straight paths (Lipman et al. 2022; rectified flow: Liu et al. 2022).
std::unique_ptr<Model> make_flow_matching(const FlowMatchingOptions& options,
                                          const DenoisingSampling& sampling, const DataSpec& spec);
/// 50 steps of Euler, uniform in t.
DenoisingSampling flow_matching_sampling();

}  // namespace pushforward
