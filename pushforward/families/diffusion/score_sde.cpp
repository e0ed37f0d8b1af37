#include "pushforward/families/diffusion/score_sde.hpp"

#include "pushforward/base/errors.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/expm1.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/sqrt.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>

namespace pushforward {
namespace {

/// Times and parametrisation that the three processes share.
class SdePath : public GaussianPath {
public:
    explicit SdePath(Prediction prediction) : prediction_(prediction) {}

    double t_min() const override { return 1e-3; }
    double t_max() const override { return 1; }
    Tensor training_time(const Tensor& u) const override { return t_min() + (1 - t_min()) * u; }
    Preconditioning preconditioning(const Tensor& t) const override {
        return preconditioning_of(prediction_, at(t), 1000 * t);
    }

private:
    Prediction prediction_;
};

/// dx = -beta x / 2 dt + g dW with g^2 = beta, and for `sub` g^2 = beta (1 - alpha^4).
class VariancePreserving : public SdePath {
public:
    VariancePreserving(double low, double high, bool sub, Prediction prediction)
        : SdePath(prediction), low_(low), high_(high), sub_(sub) {}

    Level at(const Tensor& t) const override {
        const Tensor integral = low_ * t + (high_ - low_) / 2 * t * t;
        const Tensor variance = -at::expm1(-integral);
        return {at::exp(-integral / 2), sub_ ? variance : at::sqrt(variance)};
    }
    Level derivative(const Tensor& t) const override {
        const Level level = at(t);
        const Tensor beta = low_ + (high_ - low_) * t, rise = beta * level.alpha * level.alpha;
        return {-beta * level.alpha / 2, sub_ ? rise : rise / (2 * level.sigma)};
    }

private:
    double low_, high_;
    bool sub_;
};

/// dx = g dW.
class VarianceExploding : public SdePath {
public:
    VarianceExploding(double low, double high, Prediction prediction)
        : SdePath(prediction), low_(low), log_ratio_(std::log(high / low)) {}

    Level at(const Tensor& t) const override {
        return {at::ones_like(t), low_ * at::sqrt(at::expm1(2 * log_ratio_ * t))};
    }
    Level derivative(const Tensor& t) const override {
        const Tensor growth = at::exp(2 * log_ratio_ * t);
        return {at::zeros_like(t), low_ * log_ratio_ * growth / at::sqrt(growth - 1)};
    }

private:
    double low_, log_ratio_;
};

}  // namespace

void ScoreSdeOptions::visit(Fields& f) {
    f.choice_of("process", process,
                {{"vp", Process::vp}, {"sub_vp", Process::sub_vp}, {"ve", Process::ve}},
                {.doc = "variance preserving, below it, or exploding"});
    f.number("beta_min", beta_min, {.doc = "vp, sub_vp: beta at t = 0", .low = 0});
    f.number("beta_max", beta_max, {.doc = "vp, sub_vp: beta at t = 1", .low = 0});
    f.number("sigma_min", sigma_min,
             {.doc = "ve: least noise", .unit = "model units", .low = 0, .open_low = true});
    f.number("sigma_max", sigma_max,
             {.doc = "ve: most noise", .unit = "model units", .low = 0, .open_low = true});
    visit_prediction(f, prediction);
    GaussianOptions::visit(f);
}

std::shared_ptr<const GaussianPath> sde_path(const ScoreSdeOptions& o) {
    PF_CHECK(o.beta_min < o.beta_max, "model.beta_min", text("less than beta_max, ", o.beta_max),
             o.beta_min);
    PF_CHECK(o.sigma_min < o.sigma_max, "model.sigma_min",
             text("less than sigma_max, ", o.sigma_max), o.sigma_min);
    if (o.process == Process::ve)
        return std::make_shared<VarianceExploding>(o.sigma_min, o.sigma_max, o.prediction);
    return std::make_shared<VariancePreserving>(o.beta_min, o.beta_max,
                                                o.process == Process::sub_vp, o.prediction);
}

std::unique_ptr<Model> make_score_sde(const ScoreSdeOptions& options,
                                      const DenoisingSampling& sampling, const DataSpec& spec) {
    return make_gaussian(sde_path(options), options, sampling, spec);
}

}  // namespace pushforward
