#pragma once

#include "pushforward/base/errors.hpp"

#include <ATen/core/Tensor.h>

#include <string>

namespace pushforward::testing {

/// What a refused call says.
template <class F>
std::string refusal(F call) {
    try {
        call();
    } catch (const UsageError& e) {
        return e.what();
    }
    return "not refused";
}

/// The largest difference of two tensors.
inline double worst(const at::Tensor& a, const at::Tensor& b) {
    return (a - b).abs().max().item<double>();
}

}  // namespace pushforward::testing
