#pragma once

#include "pushforward/samplers/solvers.hpp"

#include <cstdint>

namespace pushforward {

/// How strongly, where, and by what a denoiser is steered towards its condition.
struct Guidance {
    double gamma = 1;
    double low = 0, high = 1e30;  ///< of sigma / alpha; from 1e30 on there is no limit
    const Model* guide = nullptr;
};

/// D(x, t) under guidance. What the guide can do decides what gamma weighs; without one it is
/// gamma D(x, c) + (1 - gamma) D(x, nothing), classifier-free (Ho & Salimans 2022);
/// by a denoiser G: gamma D(x, c) + (1 - gamma) G(x, c), autoguidance (Karras et al. 2024);
/// by a classifier: D(x, c without its label) + gamma s^2 grad_y log p(label | y), y = x / alpha,
/// which adds gamma grad_x log p to the score (Dhariwal & Nichol 2021); nothing where alpha = 0.
/// A learnt variance is kept where one network alone is asked.
/// Outside of low < s = sigma / alpha <= high gamma is 1 (Kynkaanniemi et al. 2024). `evaluations`
/// counts the networks asked for one sample. What is given must outlive the result.
Denoise guided(const Denoiser& model, const Condition& c, const Guidance& guidance,
               std::int64_t* evaluations = nullptr);

/// What may be asked of a model under guidance: `spec` and, beside it, the label that a guide
/// tells.
DataSpec guided_spec(const DataSpec& spec, const Model* guide);

/// UsageError, saying why, when `guide` cannot guide a model of `spec` to the condition: items of
/// another shape, other classes, another path, no label asked for, nothing that it could say.
void check_guide(const Denoiser& model, const DataSpec& spec, const Model& guide,
                 const Condition& c);

/// The same with x0 clamped to [-bound, bound] at each step (Ho et al. 2020).
Denoise clipped(Denoise denoise, double bound);

}  // namespace pushforward
