#include "pushforward/metrics/held_out_density.hpp"

#include <torch/types.h>

#include <algorithm>
#include <vector>

namespace pushforward {

std::string density_refusal(const Judged& judged) {
    if (!judged.model) return "it needs a model";
    if (!judged.model->density()) return "this model has no density";
    if (!judged.held_out_model || judged.held_out_model->size() < 2)
        return "it needs 2 held-out rows";
    return "";
}

HeldOutDensity held_out_density(const Judged& judged) {
    const torch::NoGradGuard no_grad;
    const Density& density = *judged.model->density();
    const Estimator estimator = density.estimators().front();
    const Batch& rows = *judged.held_out_model;
    const std::int64_t n = rows.size(), chunk = 256;
    const std::optional<Levels> levels = levels_of(rows.x);
    std::vector<Tensor> parts;
    for (std::int64_t i = 0; i < n; i += chunk) {
        const Batch part = rows.slice(i, std::min(i + chunk, n));
        parts.push_back(log_prob_of_data(density, estimator, part.x, part.c, levels,
                                         Rng(judged.seed).rows_from(i))
                            .to(torch::kCPU, torch::kDouble));
    }
    return {levels ? torch::cat(parts) : torch::cat(parts) + judged.log_det, estimator, levels};
}

}  // namespace pushforward
