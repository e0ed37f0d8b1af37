#include "pushforward/families/classifier/classifier.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/core/rowwise.hpp"
#include "pushforward/nn/layers.hpp"
#include "pushforward/nn/mlp.hpp"
#include "pushforward/nn/residual_network.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/log.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/zeros.h>
#include <torch/nn/module.h>

#include <utility>

namespace pushforward {
namespace {

/// The network is told of no less noise than this: log 0 is no number.
constexpr double kLeastNoise = 1e-3;

class ClassifierModel : public Model, public Classifier {
public:
    ClassifierModel(std::shared_ptr<FeatureNetwork> network, Field label, const DataSpec& spec)
        : network_(std::move(network)),
          head_(network_->module(), "head", network_->features(), label.space.symbols),
          label_(std::move(label)),
          spec_(spec) {}

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
    bool samples() const override { return false; }
    Samples sample(const SampleRequest&, Rng) const override {
        throw UsageError("sample: a classifier tells classes and draws no samples");
    }
    const Classifier* classifier() const override { return this; }

    const Field& label() const override { return label_; }
    Tensor log_probs(const Tensor& y, const Tensor& s) const override {
        return at::log_softmax(head_(seen(y, s)), 1).to(y.scalar_type());
    }
    Tensor features(const Tensor& x) const override {
        return seen(x, at::zeros({x.size(0)}, x.options().dtype(at::kDouble))).to(x.scalar_type());
    }

private:
    Tensor seen(const Tensor& y, const Tensor& s) const {
        // ln(s) / 4 as in EDM, times 1000 for the units of the network's time embedding
        const Tensor noise = 250 * at::log(s.clamp_min(kLeastNoise));
        const Tensor scale = at::rsqrt(1 + s * s);
        return network_->forward((rowwise(scale, y) * y).to(dtype_), noise);
    }

    std::shared_ptr<FeatureNetwork> network_;
    Linear head_;
    Field label_;
    DataSpec spec_;
    at::ScalarType dtype_ = at::kFloat;
};

Field chosen_label(const DataSpec& spec, const std::string& name) {
    std::string known;
    std::vector<const Field*> classes;
    for (const Field& f : spec.conditions)
        if (f.space.kind == Kind::symbol && f.space.event.empty()) {
            known += (known.empty() ? "" : ", ") + f.name;
            classes.push_back(&f);
        }
    if (name.empty() && classes.size() == 1) return *classes.front();
    for (const Field* f : classes)
        if (f->name == name) return *f;
    throw UsageError(classes.empty()
                         ? "classifier: these data have no classes; say which column holds them "
                           "(SPEC?label=COLUMN), and data.conditional = true"
                         : text("model.label: expected one of ", known, ", got '", name, "'"));
}

}  // namespace

ClassifierOptions::ClassifierOptions()
    : network(
          {{"residual", "a residual convolutional network for images",
            [] { return std::make_unique<ResidualNetworkOptions>(); }},
           {"mlp", "a perceptron for vectors", [] { return std::make_unique<MlpOptions>(); }}}) {}

void ClassifierOptions::visit(Fields& f) {
    f.variant("network", network, {.doc = "the network that the model is made of"});
    f.text("label", label, {.doc = "the condition that it tells; empty: the data's only classes"});
}

std::unique_ptr<Model> make_classifier(const ClassifierOptions& options, const NoSampling&,
                                       const DataSpec& spec) {
    PF_CHECK(spec.x.kind == Kind::real, "classifier", "real numbers", "another kind of data");
    Field label = chosen_label(spec, options.label);
    std::shared_ptr<FeatureNetwork> network;
    if (const auto* o = options.network.as<ResidualNetworkOptions>())
        network = make_residual_network(*o, spec.x);
    if (const auto* o = options.network.as<MlpOptions>()) network = make_mlp_features(*o, spec.x);
    return std::make_unique<ClassifierModel>(std::move(network), std::move(label), spec);
}

}  // namespace pushforward
