#include "pushforward/nn/mlp.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/nn/embedding.hpp"
#include "pushforward/nn/layers.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/silu.h>
#include <torch/nn/module.h>

#include <vector>

namespace pushforward {
namespace {

/// The hidden layers: [B, event...] with time and condition -> [B, width]. Parameters are `own`'s.
class Trunk {
public:
    Trunk(torch::nn::Module& own, const MlpOptions& o, const DataSpec& spec) {
        const std::int64_t d = spec.x.dimensions();
        PF_CHECK(d > 0, "mlp", "items of a fixed size", text("a size of ", d));
        if (o.features > 0)
            fourier_ = own.register_buffer("fourier",
                                           at::empty({d, o.features}).normal_(0, o.feature_scale));
        time_ = TimeEmbedding(own, "time_embedding", 64, o.width);
        condition_ = ConditionEmbedding(own, "condition_embedding", spec.conditions, o.width);
        for (std::int64_t i = 0; i < o.layers; ++i) {
            const std::string number = std::to_string(i);
            layers_.emplace_back(submodule(own, "layers"), number,
                                 i == 0 ? d + 2 * o.features : o.width, o.width);
            projections_.emplace_back(submodule(own, "projections"), number, o.width, o.width);
        }
    }

    Tensor operator()(const Tensor& x, const Tensor& t, const Condition& c) const {
        const auto dtype = x.scalar_type();
        const Tensor flat = x.reshape({x.size(0), -1});
        Tensor h = flat;
        if (fourier_.defined()) {
            const Tensor angle = flat.matmul(fourier_.to(dtype));
            h = at::cat({flat, angle.cos(), angle.sin()}, 1);
        }
        const Tensor e = at::silu(condition_(time_(t, dtype), c));
        for (std::size_t i = 0; i < layers_.size(); ++i) {
            const Tensor next = at::silu(layers_[i](h) + projections_[i](e));
            h = i == 0 ? next : h + next;
        }
        return h;
    }

private:
    Tensor fourier_;
    TimeEmbedding time_;
    ConditionEmbedding condition_;
    std::vector<Linear> layers_, projections_;
};

class Mlp : public torch::nn::Module, public DenoisingNetwork {
public:
    Mlp(const MlpOptions& o, const DataSpec& spec, std::int64_t outputs)
        : Module("mlp"),
          trunk_(*this, o, spec),
          out_(*this, "out", o.width, outputs * spec.x.dimensions(), Init::zero),
          outputs_(outputs) {}

    torch::nn::Module& module() override { return *this; }
    bool bears_bfloat16() const override { return false; }
    Tensor forward(const Tensor& x, const Tensor& t, const Condition& c) const override {
        auto shape = x.sizes().vec();
        shape[1] *= outputs_;
        return out_(trunk_(x, t, c)).reshape(shape);
    }

private:
    Trunk trunk_;
    Linear out_;
    std::int64_t outputs_;
};

class MlpFeatures : public torch::nn::Module, public FeatureNetwork {
public:
    MlpFeatures(const MlpOptions& o, const Space& space)
        : Module("mlp"), trunk_(*this, o, {space, {}}), width_(o.width) {}

    torch::nn::Module& module() override { return *this; }
    std::int64_t features() const override { return width_; }
    bool bears_bfloat16() const override { return false; }
    Tensor forward(const Tensor& x, const Tensor& t) const override { return trunk_(x, t, {}); }

private:
    Trunk trunk_;
    std::int64_t width_;
};

}  // namespace

void MlpOptions::visit(Fields& f) {
    f.integer("width", width, {.doc = "units of each hidden layer", .low = 1});
    f.integer("layers", layers, {.doc = "hidden layers", .low = 1});
    f.integer("features", features,
              {.doc = "random Fourier features of the item; 0 = the item alone", .low = 0});
    f.number("feature_scale", feature_scale,
             {.doc = "standard deviation of their frequencies",
              .unit = "radians a unit of the scaled item",
              .low = 0,
              .open_low = true});
}

std::shared_ptr<DenoisingNetwork> make_mlp(const MlpOptions& options, const DataSpec& spec,
                                           std::int64_t outputs) {
    return std::make_shared<Mlp>(options, spec, outputs);
}

std::shared_ptr<FeatureNetwork> make_mlp_features(const MlpOptions& options, const Space& space) {
    return std::make_shared<MlpFeatures>(options, space);
}

}  // namespace pushforward
