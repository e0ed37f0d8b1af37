#pragma once

#include "pushforward/samplers/denoising_sampler.hpp"

#include <memory>

namespace pushforward {

/// The latent space "noise" of a denoiser under its run's [sample]: z = x_T / sigma_T, where x_T is
/// what the probability-flow ODE carries alpha x at t_min to at the grid's first time (DDIM's
/// inversion, Song et al. 2020, sec. 4.3). The solver of [sample] runs over its grid, upwards to
/// encode and downwards to decode; heun stands for one that draws noise, and eta is 0. So a round
/// trip errs by the solver's order in the step. The denoised item in which `sample` ends is left
/// out both ways: it forgets x_{t_min}. `model` must outlive it.
std::unique_ptr<Latent> make_denoiser_latent(const Denoiser& model, const DataSpec& spec,
                                             const DenoisingSampling& options);

}  // namespace pushforward
