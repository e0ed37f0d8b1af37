#pragma once

#include "pushforward/core/batch.hpp"

namespace torch::nn {
class Module;
}

namespace pushforward {

/// F(x, t, c): x [B, event...] -> the same shape, or `outputs` such answers side by side along its
/// first axis; t [B], or [1] for all rows, in units of 0..1000.
/// Computes in x's type; const calls are thread-safe.
class DenoisingNetwork {
public:
    virtual ~DenoisingNetwork() = default;
    virtual torch::nn::Module& module() = 0;
    virtual Tensor forward(const Tensor& x, const Tensor& t, const Condition& c) const = 0;
    /// Whether bfloat16's three digits are enough for what it has to tell apart: they are for
    /// pixels, not for the coordinates of a sharp density.
    virtual bool bears_bfloat16() const = 0;
};

}  // namespace pushforward
