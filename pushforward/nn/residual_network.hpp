#pragma once

#include "pushforward/base/fields.hpp"
#include "pushforward/core/space.hpp"
#include "pushforward/nn/feature_network.hpp"

#include <memory>

namespace pushforward {

struct ResidualNetworkOptions : Options {
    std::int64_t channels = 32;
    Fields::Integers multipliers = {1, 2, 4};
    std::int64_t blocks = 1;
    std::int64_t groups = 8;

    void visit(Fields& f) override;
};

/// A convolution, then at each level residual blocks that are told the noise level, with a strided
/// convolution between levels; the mean over all positions of the last level's channels are the
/// features (He et al. 2016, with the blocks of the U-Net). Any H, W and number of colours.
std::shared_ptr<FeatureNetwork> make_residual_network(const ResidualNetworkOptions& options,
                                                      const Space& space);

}  // namespace pushforward
