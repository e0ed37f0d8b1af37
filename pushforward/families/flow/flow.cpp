#include "pushforward/families/flow/flow.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/core/levels.hpp"
#include "pushforward/families/flow/dequantiser.hpp"
#include "pushforward/nn/embedding.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <atomic>
#include <optional>

namespace pushforward {
namespace {

/// Numbers that a flow begins from at most, and channels of the network that draws noise.
constexpr std::int64_t kNumbers = 1 << 20, kNoiseWidth = 32;

class Flow : public torch::nn::Module, public Model, public Density, public Latent {
public:
    Flow(const FlowOptions& o, const FlowSampling& sampling, const DataSpec& spec,
         const FlowBuilder& build, Dequantisation dequantisation)
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
        build(*this, spec.x, context_, links);
        chain_ = Chain(std::move(links));
        base_ = make_base_distribution(o.base, *this, "base", d);
        if (dequantisation == Dequantisation::variational)
            dequantiser_ = Dequantiser(*this, "dequantiser", spec.x, kNoiseWidth);
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
    std::int64_t float64_rows() const override { return float64_rows_; }
    void initialise(const std::function<Batch()>& rows, Rng rng) override {
        const at::NoGradGuard no_grad;
        Batch batch = rows();
        // the activations of pictures are many times as large as the pictures
        const std::int64_t most = std::max<std::int64_t>(kNumbers / spec_.x.dimensions(), 64);
        batch = batch.slice(0, std::min(batch.size(), most));
        const Tensor x = batch.x, context = context_of(x, batch.c);
        chain_.initialise(x, context);
        if (dequantiser_) dequantiser_->initialise(x);
        base_->initialise(chain_.forward(x, context).y, rng);
    }

    Samples sample(const SampleRequest& request, Rng rng) const override {
        check_request(spec_, request);
        const at::NoGradGuard no_grad;
        rng = rng.rows_from(request.first);
        const Tensor z = base_->sample(request.n, temperature_, rng, request.device).to(dtype_);
        const Answer x = drawn(z, request.c.to(request.device));
        return {x.y.to(at::kFloat).contiguous(), x.log_prob, 1};
    }

    const Density* density() const override { return this; }
    std::vector<Estimator> estimators() const override {
        std::vector<Estimator> all = {{"exact", Strength::exact, Measure::density}};
        if (chain_.estimates()) all.push_back({"unbiased", Strength::estimate, Measure::density});
        if (dequantiser_)
            all.insert(all.begin(), {"variational", Strength::lower_bound, Measure::dequantised});
        return all;
    }
    Tensor log_prob(const Tensor& x, const Condition& c, const std::string& estimator,
                    Rng rng) const override {
        const Tensor wide = x.to(dtype_);
        if (estimator == "variational") return dequantised_log_prob(wide, c, rng);
        if (estimator == "unbiased") return log_prob_of(wide, c, &rng).log_prob;
        return scored(wide, c).log_prob;
    }

    const Latent* latent() const override { return base_->normalises() ? this : nullptr; }
    LatentSpace latent_space() const override { return {"base", spec_.x}; }
    Posterior encode(const Tensor& x, const Condition& c, Rng) const override {
        const Tensor wide = x.to(dtype_);
        const Tensor z = base_->to_normal(scored(wide, c).y);
        return {z.reshape(x.sizes()).to(x.scalar_type())};
    }
    Tensor decode(const Tensor& z, const Condition& c, Rng) const override {
        const Tensor flat = base_->from_normal(z.flatten(1).to(dtype_));
        return drawn(flat, c).y.to(z.scalar_type());
    }

private:
    /// Where points go, or come from, and log p of the point in data space.
    struct Answer {
        Tensor y, log_prob;

        Tensor finite() const { return all_finite(y) & log_prob.isfinite(); }
    };

    Answer log_prob_of(const Tensor& x, const Condition& c, const Rng* noise) const {
        const Mapped z = chain_.forward(x, {context_of(x, c), noise});
        return {z.y, base_->log_prob(z.y) + z.log_det};
    }
    Answer scored(const Tensor& x, const Condition& c) const {
        return carried(x, c, [this](const Tensor& from, const Condition& given) {
            return log_prob_of(from, given, nullptr);
        });
    }
    Answer drawn(const Tensor& z, const Condition& c) const {
        return carried(z, c, [this](const Tensor& from, const Condition& given) {
            const Mapped x = chain_.inverse(from, context_of(from, given));
            return Answer{x.y, base_->log_prob(from) - x.log_det};
        });
    }

    static Tensor all_finite(const Tensor& x) { return x.isfinite().flatten(1).all(1); }
    /// rule(x, c); rows of finite numbers whose answer is not finite in float32 are answered in
    /// float64, and counted.
    template <class Rule>
    Answer carried(const Tensor& x, const Condition& c, const Rule& rule) const {
        Answer answer = rule(x, c);
        if (x.scalar_type() != at::kFloat || at::GradMode::is_enabled()) return answer;
        const Tensor lost = (all_finite(x) & ~answer.finite()).nonzero().squeeze(1);
        if (lost.size(0) == 0) return answer;
        float64_rows_ += lost.size(0);
        const Answer wide = rule(x.index_select(0, lost).to(at::kDouble), c.rows(lost));
        return {answer.y.to(at::kDouble).index_copy(0, lost, wide.y),
                answer.log_prob.to(at::kDouble).index_copy(0, lost, wide.log_prob)};
    }
    Tensor dequantised_log_prob(const Tensor& x, const Condition& c, Rng rng) const {
        const auto levels = levels_of(x);
        PF_CHECK(levels, "variational dequantisation", "pictures of 256 levels", "others");
        const auto u = dequantiser_->draw(x, rng);
        const double width = static_cast<double>(x[0].numel()) * levels->log_width();
        return scored(dequantised(x, *levels, u.noise), c).log_prob + width - u.log_prob;
    }
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
    std::optional<Dequantiser> dequantiser_;
    at::ScalarType dtype_ = at::kFloat;
    mutable std::atomic<std::int64_t> float64_rows_ = 0;
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
                                 const DataSpec& spec, const FlowBuilder& build,
                                 Dequantisation dequantisation) {
    return std::make_unique<Flow>(options, sampling, spec, build, dequantisation);
}

}  // namespace pushforward
