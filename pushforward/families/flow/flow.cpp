#include "pushforward/families/flow/flow.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/nn/embedding.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>
#include <torch/nn/module.h>

namespace pushforward {
namespace {

class Flow : public torch::nn::Module, public Model, public Density, public Latent {
public:
    Flow(const FlowOptions& o, const FlowSampling& sampling, const DataSpec& spec,
         const FlowBuilder& build)
        : Module("flow"),
          spec_(spec),
          temperature_(sampling.temperature),
          context_(spec.conditions.empty() ? 0 : o.width),
          chain_({}) {
        const std::int64_t d = spec.x.dimensions();
        PF_CHECK(spec.x.kind == Kind::real, "a flow", "real numbers", "another kind of data");
        PF_CHECK(d > 0, "a flow", "items of a fixed size", text("a size of ", d));
        condition_ = ConditionEmbedding(*this, "condition_embedding", spec.conditions, o.width);
        std::vector<std::unique_ptr<Bijection>> links;
        build(*this, d, context_, links);
        chain_ = Chain(std::move(links));
        base_ = make_base_distribution(o.base, *this, "base", d);
    }

    const DataSpec& spec() const override { return spec_; }
    torch::nn::Module& module() override { return *this; }
    void compute_in(at::ScalarType dtype) override {
        PF_CHECK(allows(dtype), "precision", "float32 or float64", at::toString(dtype));
        dtype_ = dtype;
    }
    bool allows(at::ScalarType dtype) const override {
        return dtype == at::kFloat || dtype == at::kDouble;
    }
    void initialise(const std::function<Batch()>& rows, Rng rng) override {
        const at::NoGradGuard no_grad;
        const Batch batch = rows();
        const Tensor x = batch.x.flatten(1), context = context_of(x, batch.c);
        chain_.initialise(x, context);
        base_->initialise(chain_.forward(x, context).y, rng);
    }

    Samples sample(const SampleRequest& request, Rng rng) const override {
        check_request(spec_, request);
        const at::NoGradGuard no_grad;
        rng = rng.rows_from(request.first);
        const Tensor z = base_->sample(request.n, temperature_, rng, request.device).to(dtype_);
        const Mapped x = chain_.inverse(z, context_of(z, request.c.to(request.device)));
        return {x.y.reshape(shape_of(spec_.x, request.n)).to(at::kFloat),
                base_->log_prob(z) - x.log_det, 1};
    }

    const Density* density() const override { return this; }
    std::vector<Estimator> estimators() const override {
        return {{"exact", Strength::exact, Measure::density}};
    }
    Tensor log_prob(const Tensor& x, const Condition& c, const std::string&, Rng) const override {
        const Tensor flat = x.flatten(1).to(dtype_);
        const Mapped z = chain_.forward(flat, context_of(flat, c));
        return base_->log_prob(z.y) + z.log_det;
    }

    const Latent* latent() const override { return base_->normalises() ? this : nullptr; }
    LatentSpace latent_space() const override { return {"base", spec_.x}; }
    Posterior encode(const Tensor& x, const Condition& c, Rng) const override {
        const Tensor flat = x.flatten(1).to(dtype_);
        const Tensor z = base_->to_normal(chain_.forward(flat, context_of(flat, c)).y);
        return {z.reshape(x.sizes()).to(x.scalar_type())};
    }
    Tensor decode(const Tensor& z, const Condition& c, Rng) const override {
        const Tensor flat = base_->from_normal(z.flatten(1).to(dtype_));
        return chain_.inverse(flat, context_of(flat, c)).y.reshape(z.sizes()).to(z.scalar_type());
    }

private:
    /// What the condition says of each row; undefined where there is none to say.
    Tensor context_of(const Tensor& x, const Condition& c) const {
        if (context_ == 0) return {};
        return condition_(at::zeros({x.size(0), context_}, x.options()), c);
    }

    DataSpec spec_;
    double temperature_;
    std::int64_t context_;
    ConditionEmbedding condition_;
    Chain chain_;
    std::unique_ptr<BaseDistribution> base_;
    at::ScalarType dtype_ = at::kFloat;
};

}  // namespace

void FlowOptions::visit(Fields& f) {
    f.integer("transforms", transforms, {.doc = "layers of the flow", .low = 1});
    f.integer("width", width, {.doc = "units of each hidden layer inside of them", .low = 1});
    f.integer("layers", layers, {.doc = "hidden layers inside of each", .low = 1});
    f.variant("base", base, {.doc = "the law that the flow begins from"});
}

void FlowSampling::visit(Fields& f) {
    f.number("temperature", temperature,
             {.doc = "scales the base's spread", .low = 0, .open_low = true});
}

std::unique_ptr<Model> make_flow(const FlowOptions& options, const FlowSampling& sampling,
                                 const DataSpec& spec, const FlowBuilder& build) {
    return std::make_unique<Flow>(options, sampling, spec, build);
}

}  // namespace pushforward
