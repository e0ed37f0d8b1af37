#pragma once

#include "pushforward/families/flow/models.hpp"

namespace pushforward {

/// x + g(x) with g a contraction, normalised activations between: free-form Jacobians, a density
/// that is exact (D products) or unbiased (a few), and samples by iteration (Chen et al. 2019).
struct ResidualFlowOptions : NormedFlowOptions {
    double lipschitz = 0.9;

    void visit(Fields& f) override;
};
std::unique_ptr<Model> make_residual_flow(const ResidualFlowOptions& options,
                                          const FlowSampling& sampling, const DataSpec& spec);

}  // namespace pushforward
