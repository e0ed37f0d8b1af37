#pragma once

#include "pushforward/core/objective.hpp"
#include "pushforward/objectives/training_times.hpp"

#include <memory>

namespace pushforward {

/// How each time's error counts, times |E[x0 | x_t] - x0|^2 with SNR = alpha^2 / sigma^2:
/// model: as the network's own units have it; epsilon: SNR (Ho et al. 2020); x0: 1; v: SNR + 1 and
/// truncated_snr: max(SNR, 1) (Salimans & Ho 2022); min_snr: min(SNR, 5) (Hang et al. 2023);
/// likelihood: -SNR'(t) / 2, nats a unit of time (Song et al. 2021b; Kingma et al. 2021).
enum class Weighting { model, epsilon, x0, v, truncated_snr, min_snr, likelihood };

/// How noise meets data: independent draws; within each batch paired by the assignment of least
/// sum |x0 - eps|^2, so that paths cross less (Pooladian et al. 2023; Tong et al. 2023); or x0 is
/// what a teacher's latent space makes of eps, which is reflow (Liu et al. 2022), and with `times`
/// "last" distillation to one step (Luhman & Luhman 2021). Of the data the last takes the
/// conditions alone.
enum class Pairing { independent, optimal_transport, teacher };

struct DenoisingOptions : TimeOptions {
    Weighting weighting = Weighting::model;
    Pairing pairing = Pairing::independent;
    std::int64_t reference = 0;
    std::string teacher = {};
    double condition_dropout = 0.1;

    void visit(Fields& f) override;
};

/// The simple loss of every Gaussian model, E |F(x_t, t, c) - F*|^2 averaged over the event, with
/// t drawn for each row: epsilon-, x0- and v-prediction (Ho et al. 2020; Salimans & Ho 2022),
/// EDM's weighted loss (Karras et al. 2022) and flow matching (Lipman et al. 2022) differ in the
/// model's parametrisation alone. With `reference` rows of the data the target is what they and
/// the row itself say of E[x0 | x_t], see objectives/reference.hpp: the same minimiser by a target
/// that varies less. A model that learns its variance learns it from the row itself by the normal
/// log-likelihood of its own squared error, which does not move the mean. Condition rows are hidden
/// with probability `condition_dropout`, row by row, which is what classifier-free guidance needs
/// (Ho & Salimans 2022).
std::unique_ptr<Objective> make_denoising(const DenoisingOptions& options);

/// One squared residual a row, averaged over the event: float32 [B], differentiable.
Tensor denoising_errors(const Denoiser& model, const Tensor& x0, const Tensor& eps, const Tensor& t,
                        const Condition& c);

/// The weight of a squared error of x0 at each time, float64 [B]; not for Weighting::model.
Tensor weight_of(Weighting weighting, const Path& path, const Tensor& t);

}  // namespace pushforward
