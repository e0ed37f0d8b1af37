#pragma once

#include "pushforward/samplers/solvers.hpp"

#include <cstdint>

namespace pushforward {

/// Classifier-free guidance (Ho & Salimans 2022) as a wrapper: D = gamma D(x, c) + (1 - gamma)
/// D(x, none). gamma = 1 (or no condition) and gamma = 0 cost one evaluation, anything else two,
/// made as one pass over 2B rows. `evaluations`, where given, counts them for one sample.
/// `model` and `evaluations` must outlive the result.
Denoise guided(const Denoiser& model, const Condition& c, double gamma,
               std::int64_t* evaluations = nullptr);

/// The same with x0 clamped to [-bound, bound] at each step (Ho et al. 2020).
Denoise clipped(Denoise denoise, double bound);

}  // namespace pushforward
