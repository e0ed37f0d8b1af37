#include "pushforward/metrics/log_likelihood.hpp"

#include "pushforward/core/levels.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <optional>

namespace pushforward {
namespace {

class LogLikelihood : public Metric {
public:
    std::string refusal(const Judged& judged) const override {
        if (!judged.model) return "it needs a model";
        if (!judged.model->density()) return "this model has no density";
        if (!judged.held_out_model || judged.held_out_model->size() < 2)
            return "it needs 2 held-out rows";
        return "";
    }

    std::string reservation(const Judged& judged) const override {
        constexpr std::int64_t many = 64;  // an ODE asks the network hundreds of times
        const bool costly =
            judged.model->density()->estimators().front().strength != Strength::exact &&
            judged.held_out_model->x[0].numel() > many;
        return costly ? "it takes long" : "";
    }

    std::vector<std::pair<std::string, Measurement>> evaluate(const Judged& judged) const override {
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
        const Tensor log_p = levels ? torch::cat(parts) : torch::cat(parts) + judged.log_det;
        const double mean = log_p.mean().item<double>(),
                     error = log_p.std().item<double>() / std::sqrt(static_cast<double>(n));
        const std::string kind = levels && estimator.strength == Strength::exact
                                     ? strength_name(Strength::lower_bound)
                                     : strength_name(estimator.strength);
        std::vector<std::pair<std::string, Measurement>> found = {
            {"log_likelihood", {mean, error, n, "nats", true, kind}}};
        if (levels) {
            const double bits = static_cast<double>(rows.x[0].numel()) * std::log(2.0);
            found.emplace_back("log_likelihood/bits_per_dim",
                               Measurement{-mean / bits, error / bits, n, "bits", false, kind});
        }
        return found;
    }
};

}  // namespace

std::unique_ptr<Metric> make_log_likelihood() {
    return std::make_unique<LogLikelihood>();
}

}  // namespace pushforward
