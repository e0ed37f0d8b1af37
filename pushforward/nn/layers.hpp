#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>

namespace torch::nn {
class Module;
}

namespace pushforward {

using at::Tensor;

// Layers are plain values that hold handles to parameters; the parameters are registered with a
// bare module of the layer's name under `parent`, so that names are "parent.layer.weight". Calls
// are const and compute in the input's type: weights are cast to it on the way.

/// The bare submodule `name` of `parent`, made when it isn't there.
torch::nn::Module& submodule(torch::nn::Module& parent, const std::string& name);

/// A float32 parameter that is used in another type: `in(dtype)` is a differentiable cast. Without
/// gradients (NoGradMode) the cast copy is kept until the parameter changes. Thread-safe.
class Weight {
public:
    Weight() = default;
    explicit Weight(Tensor parameter, bool channels_last = false);
    const Tensor& parameter() const { return parameter_; }
    Tensor in(at::ScalarType dtype) const;

private:
    struct Cache;
    Tensor parameter_;
    bool channels_last_ = false;
    std::shared_ptr<Cache> cache_;
};

/// How a layer's weights begin: PyTorch's default U(+-1/sqrt(fan_in)), or zero.
enum class Init { uniform, zero };

/// y = x W^T + b over the last dimension; with a mask [out, in] the entries of W count that often.
struct Linear {
    Weight weight, bias;
    Linear() = default;
    Linear(torch::nn::Module& parent, const std::string& name, std::int64_t in, std::int64_t out,
           Init init = Init::uniform);
    Tensor operator()(const Tensor& x, const Tensor& mask = {}) const;
};

/// A k x k convolution, stride 1 or 2, "same" padding; channels-last follows the input.
struct Conv2d {
    Weight weight, bias;
    std::int64_t stride = 1;
    Conv2d() = default;
    Conv2d(torch::nn::Module& parent, const std::string& name, std::int64_t in, std::int64_t out,
           std::int64_t kernel = 3, std::int64_t stride = 1, Init init = Init::uniform);
    Tensor operator()(const Tensor& x) const;
};

/// Group normalisation (Wu & He 2018) over [N, C, H, W] or [N, C], eps 1e-5, with per-channel gain
/// and shift; `silu` multiplies by the sigmoid after it. Statistics in float32 (float64 for
/// float64). The number of groups is gcd(groups, C).
struct GroupNorm {
    Weight weight, bias;
    std::int64_t groups = 32;
    GroupNorm() = default;
    GroupNorm(torch::nn::Module& parent, const std::string& name, std::int64_t channels,
              std::int64_t groups = 32);
    Tensor operator()(const Tensor& x, bool silu = false) const;
};

}  // namespace pushforward
