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

class Mlp : public torch::nn::Module, public DenoisingNetwork {
public:
    Mlp(const MlpOptions& o, const DataSpec& spec) : Module("mlp") {
        const std::int64_t d = spec.x.dimensions();
        PF_CHECK(d > 0, "mlp", "items of a fixed size", text("a size of ", d));
        if (o.features > 0)
            fourier_ =
                register_buffer("fourier", at::empty({d, o.features}).normal_(0, o.feature_scale));
        time_ = TimeEmbedding(*this, "time_embedding", 64, o.width);
        condition_ = ConditionEmbedding(*this, "condition_embedding", spec.conditions, o.width);
        for (std::int64_t i = 0; i < o.layers; ++i) {
            const std::string number = std::to_string(i);
            layers_.emplace_back(submodule(*this, "layers"), number,
                                 i == 0 ? d + 2 * o.features : o.width, o.width);
            projections_.emplace_back(submodule(*this, "projections"), number, o.width, o.width);
        }
        out_ = Linear(*this, "out", o.width, d, Init::zero);
    }

    torch::nn::Module& module() override { return *this; }
    bool bears_bfloat16() const override { return false; }

    Tensor forward(const Tensor& x, const Tensor& t, const Condition& c) const override {
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
        return out_(h).reshape(x.sizes());
    }

private:
    Tensor fourier_;
    TimeEmbedding time_;
    ConditionEmbedding condition_;
    std::vector<Linear> layers_, projections_;
    Linear out_;
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

std::shared_ptr<DenoisingNetwork> make_mlp(const MlpOptions& options, const DataSpec& spec) {
    return std::make_shared<Mlp>(options, spec);
}

}  // namespace pushforward
