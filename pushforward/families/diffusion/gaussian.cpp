#include "pushforward/families/diffusion/gaussian.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/core/rowwise.hpp"
#include "pushforward/nn/mlp.hpp"
#include "pushforward/nn/unet.hpp"
#include "pushforward/samplers/inversion.hpp"
#include "pushforward/samplers/likelihood.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/zeros_like.h>
#include <torch/nn/module.h>

#include <utility>
#include <vector>

namespace pushforward {
namespace {

class Gaussian : public Model, public Denoiser {
public:
    Gaussian(std::shared_ptr<const GaussianPath> path, std::shared_ptr<DenoisingNetwork> network,
             bool learns_variance, const DenoisingSampling& sampling, const DataSpec& spec)
        : path_(std::move(path)),
          network_(std::move(network)),
          learns_variance_(learns_variance),
          sampling_(sampling),
          spec_(spec),
          density_(make_denoiser_density(*this)),
          latent_(make_denoiser_latent(*this, spec, sampling)) {}

    const DataSpec& spec() const override { return spec_; }
    torch::nn::Module& module() override { return network_->module(); }
    void compute_in(at::ScalarType dtype) override {
        PF_CHECK(allows(dtype), "precision", "one that the network computes in",
                 at::toString(dtype));
        dtype_ = dtype;
    }
    bool allows(at::ScalarType dtype) const override {
        return dtype == at::kFloat || dtype == at::kDouble ||
               (dtype == at::kBFloat16 && network_->bears_bfloat16());
    }
    Samples sample(const SampleRequest& request, Rng rng) const override {
        return sample_denoiser(*this, spec_, sampling_, request, rng);
    }
    const Denoiser* denoiser() const override { return this; }
    const Density* density() const override { return density_.get(); }
    const Latent* latent() const override { return latent_.get(); }

    const Path& path() const override { return *path_; }

    Denoised predict_x0(const Tensor& x, const Tensor& t, const Condition& c) const override {
        const Preconditioning p = path_->preconditioning(t.to(at::kDouble));
        const Residual said = network(x, p, c);
        const Tensor x0 = rowwise(p.skip, x) * x + rowwise(p.out, x) * said.value;
        if (!learns_variance_) return x0;
        return {x0, rowwise(p.out.square(), x) * said.log_square.exp()};
    }

    Residual residual(const Tensor& x0, const Tensor& eps, const Tensor& t,
                      const Condition& c) const override {
        const Tensor time = t.to(at::kDouble);
        const Level level = path_->at(time);
        const Preconditioning p = path_->preconditioning(time);
        const Tensor x = rowwise(level.alpha, x0) * x0 + rowwise(level.sigma, x0) * eps;
        // F* = (x0 - c_skip x_t) / c_out as a combination of x0 and eps: no cancellation in
        // float32.
        const Tensor of_x0 = (1 - p.skip * level.alpha) / p.out;
        const Tensor of_eps = -p.skip * level.sigma / p.out;
        Residual said = network(x, p, c);
        said.value = said.value - (rowwise(of_x0, x0) * x0 + rowwise(of_eps, x0) * eps);
        return said;
    }

    Tensor residual_scale(const Tensor& t) const override {
        return path_->preconditioning(t.to(at::kDouble)).out;
    }
    bool learns_variance() const override { return learns_variance_; }

private:
    /// F(c_in x, c_noise, c) and the logarithm of the square of its error, where that is learnt;
    /// computed in dtype_, returned in x's type.
    Residual network(const Tensor& x, const Preconditioning& p, const Condition& c) const {
        const Tensor said =
            network_->forward((rowwise(p.in, x) * x).to(dtype_), p.noise, c).to(x.scalar_type());
        if (!learns_variance_) return said;
        const auto parts = said.chunk(2, 1);
        return {parts[0], parts[1]};
    }

    std::shared_ptr<const GaussianPath> path_;
    std::shared_ptr<DenoisingNetwork> network_;
    bool learns_variance_;
    DenoisingSampling sampling_;
    DataSpec spec_;
    std::unique_ptr<Density> density_;
    std::unique_ptr<Latent> latent_;
    at::ScalarType dtype_ = at::kFloat;
};

}  // namespace

GaussianOptions::GaussianOptions()
    : network(
          {{"unet", "a U-Net for images", [] { return std::make_unique<UnetOptions>(); }},
           {"mlp", "a perceptron for vectors", [] { return std::make_unique<MlpOptions>(); }}}) {}

void GaussianOptions::visit(Fields& f) {
    f.flag("learn_variance", learn_variance,
           {.doc = "whether it learns E[(x0 - E[x0 | x_t])^2 | x_t], too, for the reverse chain"});
    f.variant("network", network, {.doc = "the network that the model is made of"});
}

void visit_prediction(Fields& f, Prediction& prediction) {
    f.choice_of("prediction", prediction,
                {{"epsilon", Prediction::epsilon},
                 {"x0", Prediction::x0},
                 {"v", Prediction::v},
                 {"score", Prediction::score}},
                {.doc = "what the network predicts"});
}

Preconditioning preconditioning_of(Prediction prediction, const Level& level, const Tensor& noise) {
    const Tensor &alpha = level.alpha, &sigma = level.sigma;
    const Tensor in = at::rsqrt(alpha.square() + sigma.square());
    switch (prediction) {
        case Prediction::epsilon:
            return {1 / alpha, -sigma / alpha, in, noise};
        case Prediction::x0:
            return {at::zeros_like(in), at::ones_like(in), in, noise};
        case Prediction::score:
            return {1 / alpha, sigma.square() / alpha, in, noise};
        case Prediction::v:
            break;
    }
    return {alpha * in * in, -sigma * in, in, noise};
}

std::unique_ptr<Model> make_gaussian(std::shared_ptr<const GaussianPath> path,
                                     const GaussianOptions& options,
                                     const DenoisingSampling& sampling, const DataSpec& spec) {
    PF_CHECK(spec.x.kind == Kind::real, "a Gaussian model", "real numbers", "another kind of data");
    check_sampling(sampling);
    const std::int64_t outputs = options.learn_variance ? 2 : 1;
    std::shared_ptr<DenoisingNetwork> network;
    if (const auto* unet = options.network.as<UnetOptions>())
        network = make_unet(*unet, spec, outputs);
    if (const auto* mlp = options.network.as<MlpOptions>()) network = make_mlp(*mlp, spec, outputs);
    return std::make_unique<Gaussian>(std::move(path), std::move(network), options.learn_variance,
                                      sampling, spec);
}

}  // namespace pushforward
