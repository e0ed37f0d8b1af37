#include "pushforward/metrics/log_likelihood.hpp"

#include "pushforward/metrics/held_out_density.hpp"

#include <torch/types.h>

#include <cmath>

namespace pushforward {
namespace {

class LogLikelihood : public Metric {
public:
    std::string refusal(const Judged& judged) const override { return density_refusal(judged); }

    std::string reservation(const Judged& judged) const override {
        constexpr std::int64_t many = 64;  // an ODE asks the network hundreds of times
        const bool costly =
            judged.model->density()->estimators().front().strength != Strength::exact &&
            judged.held_out_model->x[0].numel() > many;
        return costly ? "it takes long" : "";
    }

    std::vector<std::pair<std::string, Measurement>> evaluate(const Judged& judged) const override {
        const std::int64_t n = judged.held_out_model->size();
        const std::int64_t before = judged.model->float64_rows();
        const auto [log_p, estimator, levels] = held_out_density(judged);
        const double mean = log_p.mean().item<double>(),
                     error = log_p.std().item<double>() / std::sqrt(static_cast<double>(n));
        const std::string kind =
            levels && estimator.strength == Strength::exact && estimator.measure == Measure::density
                ? strength_name(Strength::lower_bound)
                : strength_name(estimator.strength);
        std::vector<std::pair<std::string, Measurement>> found = {
            {"log_likelihood", {mean, error, n, "nats", true, kind}}};
        if (levels) {
            const double bits =
                static_cast<double>(judged.held_out_model->x[0].numel()) * std::log(2.0);
            found.emplace_back("log_likelihood/bits_per_dim",
                               Measurement{-mean / bits, error / bits, n, "bits", false, kind});
        }
        if (estimator.strength == Strength::exact) {
            const double share =
                static_cast<double>(judged.model->float64_rows() - before) / static_cast<double>(n);
            found.emplace_back(
                "log_likelihood/float64_share",
                Measurement{share, std::sqrt(share * (1 - share) / static_cast<double>(n)), n,
                            "of rows", false});
        }
        return found;
    }
};

}  // namespace

std::unique_ptr<Metric> make_log_likelihood() {
    return std::make_unique<LogLikelihood>();
}

}  // namespace pushforward
