#pragma once

#include "pushforward/base/fields.hpp"
#include "pushforward/core/objective.hpp"

#include <memory>
#include <string>

namespace pushforward {

/// How times are drawn while training, and how often conditions are hidden.
struct DenoisingOptions : Options {
    std::string times = "model";  ///< model, uniform or logit_normal
    double location = 0, scale = 1;
    bool stratified = true;
    double condition_dropout = 0.1;

    void visit(Fields& f) override;
};

/// The simple loss of every Gaussian model, E |F(x_t, t, c) - F*|^2 averaged over the event, with
/// t drawn for each row: epsilon-, x0- and v-prediction (Ho et al. 2020; Salimans & Ho 2022),
/// EDM's weighted loss (Karras et al. 2022) and flow matching (Lipman et al. 2022) differ in the
/// model's parametrisation alone. Condition rows are hidden with probability `condition_dropout`,
/// row by row, which is what classifier-free guidance needs (Ho & Salimans 2022).
std::unique_ptr<Objective> make_denoising(const DenoisingOptions& options);

/// n training times, float64 [n]; stratified: row r draws from the stratum pi(r) of n equal ones
/// for a random permutation pi (Kingma et al. 2021, antithetic times), so that the noise levels of
/// a batch cover the range evenly. The marginal of each row is the same as without.
Tensor draw_times(const Path& path, const DenoisingOptions& options, std::int64_t n, Rng& rng);

/// One squared residual a row, averaged over the event: float32 [B], differentiable.
Tensor denoising_errors(const Denoiser& model, const Tensor& x0, const Tensor& eps, const Tensor& t,
                        const Condition& c);

/// The same condition with each row of each field hidden with probability p, independently.
Condition hide_rows(const Condition& c, std::int64_t rows, double p, Rng& rng);

}  // namespace pushforward
