#include "pushforward/families/diffusion/ddpm.hpp"

#include "pushforward/base/errors.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/expm1.h>
#include <ATen/ops/sqrt.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace pushforward {
namespace {

class DiscretePath : public GaussianPath {
public:
    DiscretePath(const std::vector<double>& bars, Prediction prediction)
        : steps_(static_cast<std::int64_t>(bars.size()) - 1), prediction_(prediction) {
        std::vector<double> logs;
        for (double bar : bars) logs.push_back(std::log(bar));
        log_bar_ = at::tensor(logs, at::kDouble);
    }

    Level at(const Tensor& t) const override {
        const Tensor log_bar = interpolate(t).first;
        return {at::exp(log_bar / 2).to(t.scalar_type()),
                at::sqrt(-at::expm1(log_bar)).to(t.scalar_type())};
    }

    Level derivative(const Tensor& t) const override {
        const auto [log_bar, slope] = interpolate(t);
        const Tensor alpha = at::exp(log_bar / 2), sigma = at::sqrt(-at::expm1(log_bar));
        return {(alpha * slope / 2).to(t.scalar_type()),
                (-alpha * alpha * slope / (2 * sigma)).to(t.scalar_type())};
    }

    double t_min() const override { return 1 / static_cast<double>(steps_); }
    double t_max() const override { return 1; }
    std::int64_t steps() const override { return steps_; }
    Tensor training_time(const Tensor& u) const override {
        return ((u * steps_).floor() + 1) / steps_;
    }

    Preconditioning preconditioning(const Tensor& t) const override {
        return preconditioning_of(prediction_, at(t), t * steps_ - 1);  // steps counted from 0
    }

private:
    /// log abar and its derivative in t. At a knot the derivative is that of the interval below it,
    /// which a solver that comes from there has before it.
    std::pair<Tensor, Tensor> interpolate(const Tensor& t) const {
        const Tensor position = t.to(at::kDouble) * steps_;
        const Tensor below = ((position - 1e-6).ceil() - 1).clamp(0, steps_ - 1);
        const Tensor table = log_bar_.to(t.device()), index = below.to(at::kLong).reshape({-1});
        const Tensor first = table.index_select(0, index).view(t.sizes());
        const Tensor rise = table.index_select(0, index + 1).view(t.sizes()) - first;
        return {first + rise * (position - below), rise * steps_};
    }

    std::int64_t steps_;
    Prediction prediction_;
    Tensor log_bar_;
};

}  // namespace

void DdpmOptions::visit(Fields& f) {
    f.integer("steps", steps, {.doc = "discrete noise levels T", .low = 1});
    f.choice_of("schedule", schedule,
                {{"linear", BetaSchedule::linear}, {"cosine", BetaSchedule::cosine}},
                {.doc = "how the noise grows"});
    visit_prediction(f, prediction);
    GaussianOptions::visit(f);
}

std::vector<double> alpha_bars(BetaSchedule schedule, std::int64_t steps) {
    PF_CHECK(steps >= 1, "model.steps", "at least 1", steps);
    const auto count = static_cast<double>(steps);
    std::vector<double> bars{1};
    for (std::int64_t k = 1; k <= steps; ++k) {
        const auto i = static_cast<double>(k - 1);
        double beta;
        if (schedule == BetaSchedule::linear) {
            const double share = steps == 1 ? 0 : i / (count - 1);
            beta = (1e-4 + (0.02 - 1e-4) * share) * 1000 / count;
        } else {
            const auto f = [&](double t) {
                const double c = std::cos((t + 0.008) / 1.008 * std::numbers::pi / 2);
                return c * c;
            };
            beta = 1 - f((i + 1) / count) / f(i / count);
        }
        bars.push_back(bars.back() * (1 - std::min(beta, 0.999)));
    }
    return bars;
}

std::shared_ptr<const GaussianPath> ddpm_path(BetaSchedule schedule, std::int64_t steps,
                                              Prediction prediction) {
    return std::make_shared<DiscretePath>(alpha_bars(schedule, steps), prediction);
}

std::unique_ptr<Model> make_ddpm(const DdpmOptions& options, const DenoisingSampling& sampling,
                                 const DataSpec& spec) {
    return make_gaussian(ddpm_path(options.schedule, options.steps, options.prediction), options,
                         sampling, spec);
}

}  // namespace pushforward
