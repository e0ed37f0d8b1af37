#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

namespace pushforward {

using at::Tensor;

/// A differentiable map of rows, [B, k] -> [B, d], whose row r depends on row r alone.
using Map = std::function<Tensor(const Tensor& z)>;

struct Linearised {
    Tensor value;     ///< map(z), [B, d]
    Tensor jacobian;  ///< d map / d z, [B, d, k]
};
/// The map with its Jacobians at z [B, k], by d backward passes; neither keeps a graph. UsageError
/// when the map's answer is not [B, d].
Linearised linearise(const Map& map, const Tensor& z);

}  // namespace pushforward
