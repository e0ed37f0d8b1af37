#pragma once

#include "pushforward/base/fields.hpp"
#include "pushforward/core/space.hpp"
#include "pushforward/nn/denoising_network.hpp"
#include "pushforward/nn/feature_network.hpp"

#include <memory>

namespace pushforward {

struct MlpOptions : Options {
    std::int64_t width = 128;
    std::int64_t layers = 3;
    std::int64_t features = 32;
    double feature_scale = 1;

    void visit(Fields& f) override;
};

/// A perceptron with SiLU on the flattened item beside its random Fourier features
/// cos(w.x), sin(w.x), w ~ N(0, feature_scale^2) (Tancik et al. 2020); each hidden layer adds a
/// projection of the time's and the condition's embedding. The last layer begins at zero.
std::shared_ptr<DenoisingNetwork> make_mlp(const MlpOptions& options, const DataSpec& spec,
                                           std::int64_t outputs = 1);

/// Its hidden layers alone, without conditions: [B, event...] -> [B, width].
std::shared_ptr<FeatureNetwork> make_mlp_features(const MlpOptions& options, const Space& space);

}  // namespace pushforward
