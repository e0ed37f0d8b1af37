#pragma once

#include <ATen/core/Tensor.h>

namespace torch::nn {
class Module;
}

namespace pushforward {

using at::Tensor;

/// What is seen in an item at a noise level: x [B, event...], t [B] in units of 0..1000 -> features
/// [B, features()] in x's type (float32 for bfloat16). Const calls are thread-safe.
class FeatureNetwork {
public:
    virtual ~FeatureNetwork() = default;
    virtual torch::nn::Module& module() = 0;
    virtual std::int64_t features() const = 0;
    virtual Tensor forward(const Tensor& x, const Tensor& t) const = 0;
    /// As in DenoisingNetwork.
    virtual bool bears_bfloat16() const = 0;
};

}  // namespace pushforward
