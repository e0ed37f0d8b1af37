#pragma once

#include <ATen/core/Tensor.h>

namespace pushforward {

using at::Tensor;

/// sin((1 - s) w) / sin w a + sin(s w) / sin w b with w the angle between a and b, row by row over
/// the event of [B, event...]: the path on the sphere (Shoemake 1985), along which standard normal
/// vectors keep the length of standard normal vectors (White 2016). A straight line where a and b
/// point the same or the opposite way.
Tensor slerp(const Tensor& a, const Tensor& b, double share);

}  // namespace pushforward
