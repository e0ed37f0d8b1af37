#pragma once

#include "pushforward/math/preimages.hpp"

namespace pushforward {

/// log p(z), [B, k] -> [B].
using LogDensity = std::function<Tensor(const Tensor& z)>;

/// What a log-density is taken with respect to: Lebesgue's measure of R^d, or the k-dimensional
/// Hausdorff measure (length, area, ...).
enum class Reference { lebesgue, hausdorff };

/// log p_X(map(z)) = log p(z) - log det(J^T J) / 2, by the area formula (Federer 1969, 3.2.5), of
/// an injective map with J [d, k] at z [B, k]; float64 [B]. For k < d only with respect to the
/// k-dimensional Hausdorff measure, Lebesgue's is a UsageError: the image is a null set of R^d.
/// UsageError also for k > d, where fibres are summed up (math/coarea.hpp).
Tensor area_log_density(const Map& map, const Tensor& z, const Tensor& log_p, Reference reference);

/// log sum_i p(z_i) / sqrt(det(J^T J)(z_i)) over the preimages z_i of x [N, d] that are reached
/// from `starts` [S, k], float64 [N]: for k = d the density of a many-to-one map. -infinity where
/// there is none: x is not in the image. UsageErrors as above.
Tensor pushforward_log_density(const Map& map, const LogDensity& log_p, const Tensor& x,
                               const Tensor& starts, Reference reference,
                               const PreimageOptions& options = {});

}  // namespace pushforward
