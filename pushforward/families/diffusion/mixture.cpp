#include "pushforward/families/diffusion/mixture.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/core/rowwise.hpp"
#include "pushforward/families/diffusion/score_sde.hpp"
#include "pushforward/nn/embedding.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros.h>
#include <torch/nn/module.h>

#include <cmath>
#include <numbers>

namespace pushforward {
namespace {

class MixtureModel : public torch::nn::Module, public Model, public Density, public Denoiser {
public:
    MixtureModel(const MixtureModelOptions& o, const MixtureSampling& sampling,
                 std::shared_ptr<const GaussianPath> path, const DataSpec& spec)
        : Module("mixture"),
          spec_(spec),
          temperature_(sampling.temperature),
          path_(std::move(path)) {
        const std::int64_t d = spec.x.dimensions();
        mean_ = register_parameter("mean", at::randn({o.components, d}));
        log_deviation_ = register_parameter("log_deviation", at::zeros({o.components, d}));
        logit_ = register_parameter("logit", at::zeros({o.components}));
        condition_ =
            ConditionEmbedding(*this, "condition_embedding", spec.conditions, o.components);
    }

    const DataSpec& spec() const override { return spec_; }
    torch::nn::Module& module() override { return *this; }
    void compute_in(at::ScalarType dtype) override { dtype_ = dtype; }
    bool allows(at::ScalarType dtype) const override {
        return dtype == at::kFloat || dtype == at::kDouble;
    }
    const Density* density() const override { return this; }
    const Denoiser* denoiser() const override { return this; }

    Samples sample(const SampleRequest& request, Rng rng) const override {
        // what only a denoiser's sampler can do is left to it
        const Draft& draft = request.draft;
        if (request.guide || draft.keep.defined() || (draft.x.defined() && draft.strength < 1))
            return sample_denoiser(*this, spec_, {}, request, rng);
        check_request(spec_, request);
        const at::NoGradGuard no_grad;
        rng = rng.rows_from(request.first);
        const Tensor share =
            at::softmax(logits(request.n, request.c.to(request.device)), 1).cumsum(1);
        const Tensor u = rng.uniform({request.n, 1}, at::kDouble, request.device);
        const Tensor k = (u >= share.slice(1, 0, -1).to(at::kDouble)).sum(1);
        const Tensor z = rng.normal({request.n, mean_.size(1)}, at::kFloat, request.device);
        const Tensor deviation = log_deviation_.exp().index_select(0, k);
        const Tensor x = mean_.index_select(0, k) + temperature_ * deviation * z;
        return {x.view(shape_of(spec_.x, request.n))};
    }

    std::vector<Estimator> estimators() const override {
        return {{"exact", Strength::exact, Measure::density}};
    }
    Tensor log_prob(const Tensor& x, const Condition& c, const std::string&, Rng) const override {
        const Tensor log_s = log_deviation_.to(dtype_);
        const Tensor off =
            (x.flatten(1).to(dtype_).unsqueeze(1) - mean_.to(dtype_)) * (-log_s).exp();
        const auto d = static_cast<double>(mean_.size(1));
        const Tensor each =
            -0.5 * off.square().sum(2) - log_s.sum(1) - d / 2 * std::log(2 * std::numbers::pi);
        return at::logsumexp(each + at::log_softmax(logits(x.size(0), c), 1), 1);
    }

    const Path& path() const override { return *path_; }
    Denoised predict_x0(const Tensor& x, const Tensor& t, const Condition& c) const override {
        // A probability is told from float64's exponent: far from all means float32 has none.
        const Level level = path_->at(t.to(at::kDouble));
        const Tensor alpha = level.alpha.view({-1, 1, 1}), sigma = level.sigma.view({-1, 1, 1});
        const Tensor mean = mean_.to(at::kDouble), s2 = (2 * log_deviation_.to(at::kDouble)).exp();
        const Tensor variance = alpha.square() * s2 + sigma.square();
        const Tensor off = x.flatten(1).to(at::kDouble).unsqueeze(1) - alpha * mean;
        const Tensor log_p = logits(x.size(0), c).to(at::kDouble) -
                             0.5 * (off.square() / variance + variance.log()).sum(2);
        const Tensor x0 = mean + alpha * s2 / variance * off;
        return (at::softmax(log_p, 1).unsqueeze(2) * x0).sum(1).view(x.sizes()).to(x.scalar_type());
    }
    Residual residual(const Tensor& x0, const Tensor& eps, const Tensor& t,
                      const Condition& c) const override {
        const Level level = path_->at(t.to(at::kDouble));
        return predict_x0(rowwise(level.alpha, x0) * x0 + rowwise(level.sigma, x0) * eps, t, c) -
               x0;
    }
    Tensor residual_scale(const Tensor& t) const override {
        return at::ones_like(t.to(at::kDouble));
    }

private:
    /// log w_k(c) up to a constant a row, [B, K].
    Tensor logits(std::int64_t rows, const Condition& c) const {
        return condition_(logit_.to(dtype_).unsqueeze(0).expand({rows, -1}), c);
    }

    DataSpec spec_;
    double temperature_;
    std::shared_ptr<const GaussianPath> path_;
    Tensor mean_, log_deviation_, logit_;
    ConditionEmbedding condition_;
    at::ScalarType dtype_ = at::kFloat;
};

}  // namespace

void MixtureModelOptions::visit(Fields& f) {
    f.integer("components", components, {.doc = "normals in the mixture", .low = 1, .high = 10000});
    f.number("beta_min", beta_min, {.doc = "as a denoiser: beta at t = 0", .low = 0});
    f.number("beta_max", beta_max, {.doc = "as a denoiser: beta at t = 1", .low = 0});
}

void MixtureSampling::visit(Fields& f) {
    f.number("temperature", temperature,
             {.doc = "factor of each normal's standard deviation", .low = 0});
}

std::unique_ptr<Model> make_mixture_model(const MixtureModelOptions& options,
                                          const MixtureSampling& sampling, const DataSpec& spec) {
    PF_CHECK(spec.x.kind == Kind::real, "mixture", "real numbers", "another kind of data");
    PF_CHECK(spec.x.dimensions() > 0, "mixture", "items of a fixed size",
             text("a size of ", spec.x.dimensions()));
    ScoreSdeOptions sde;
    sde.beta_min = options.beta_min;
    sde.beta_max = options.beta_max;
    return std::make_unique<MixtureModel>(options, sampling, sde_path(sde), spec);
}

}  // namespace pushforward
