#pragma once

#include "pushforward/core/objective.hpp"
#include "pushforward/objectives/training_times.hpp"

#include <memory>

namespace pushforward {

enum class ScoreTrace { implicit, sliced };

struct ScoreMatchingOptions : TimeOptions {
    ScoreTrace trace = ScoreTrace::implicit;
    double condition_dropout = 0.1;

    void visit(Fields& f) override;
};

/// Score matching without the noise that made x_t: the mean over rows of
///   sigma^2 (|s|^2 / 2 + div s) / D,  s = score of the denoiser at x_t,
/// which is sigma^2 |s - grad log p_t|^2 / (2 D) up to a constant that no weight changes. The
/// divergence is exact (implicit: Hyvarinen 2005; D backward passes) or along one vector of random
/// signs (sliced: Song et al. 2019). With t near t_min it is score matching of the data as they
/// are.
std::unique_ptr<Objective> make_score_matching(const ScoreMatchingOptions& options);

}  // namespace pushforward
