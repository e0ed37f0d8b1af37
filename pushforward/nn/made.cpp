#include "pushforward/nn/made.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/nn/causal.hpp"
#include "pushforward/nn/layers.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/one_hot.h>
#include <ATen/ops/relu.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <string>
#include <vector>

namespace pushforward {
namespace {

class Made : public SequenceNetwork {
public:
    Made(const MadeOptions& o, std::int64_t length, std::int64_t symbols, std::int64_t context)
        : o_(o), length_(length), symbols_(symbols), context_(context) {
        PF_CHECK(length > 0 && symbols > 0, "made", "a fixed number of symbols",
                 text(length, " of ", symbols));
        PF_CHECK(o.width >= length, "made: width", text("at least one unit a symbol, ", length),
                 o.width);
        const Tensor degrees = unit_groups(o.width, length);
        // A symbol is seen from degree one more than its place on.
        Tensor seen = (at::arange(length, at::kLong) + 1).repeat_interleave(symbols);
        for (std::int64_t i = 0; i < o.layers; ++i) {
            torch::nn::Module& own = submodule(submodule(*module_, "layers"), std::to_string(i));
            Layer& layer = layers_.emplace_back();
            layer.linear = Linear(own, "linear", seen.size(0), o.width);
            if (context > 0) layer.context = Linear(own, "context", context, o.width);
            layer.mask = submodule(own, "linear").register_buffer("mask", sight(degrees, seen));
            seen = degrees;
        }
        out_ = Linear(*module_, "out", o.width, length * symbols, Init::zero);
        out_mask_ = submodule(*module_, "out")
                        .register_buffer(
                            "mask", sight(at::arange(length, at::kLong).repeat_interleave(symbols),
                                          degrees));
    }

    std::int64_t longest() const override { return length_; }

    Tensor forward(const Tensor& symbols, const Tensor& context) const override {
        const std::int64_t rows = symbols.size(0), length = symbols.size(1);
        PF_CHECK(length <= length_, "made: symbols", text("at most ", length_), length);
        const Tensor all = at::constant_pad_nd(symbols.clamp_min(0), {0, length_ - length});
        Tensor h = at::one_hot(all, symbols_).to(dtype_).flatten(1);
        for (const Layer& layer : layers_) {
            h = layer.linear(h, layer.mask);
            if (context_ > 0 && context.defined()) h = h + layer.context(context.to(dtype_));
            h = at::relu(h);
        }
        return out_(h, out_mask_).view({rows, length_, symbols_}).slice(1, 0, length);
    }

    std::unique_ptr<State> start(std::int64_t n, const Tensor& context) const override;
    Tensor next(State& state, const Tensor& came) const override;

private:
    struct Layer {
        Linear linear, context;
        Tensor mask;
    };
    class Steps;

    MadeOptions o_;
    std::int64_t length_, symbols_, context_;
    std::vector<Layer> layers_;
    Linear out_;
    Tensor out_mask_;
};

/// Units are made degree by degree, as soon as what they see has come: what they see is a run of
/// numbers, so that products need no mask and all places together cost one pass.
class Made::Steps : public State {
public:
    Steps(const Made& net, std::int64_t rows, const Tensor& context)
        : n(rows),
          net_(net),
          width_(net.o_.width),
          inputs_(plain_numbers(net.layers_.front().linear.weight.parameter().t())),
          logits_(n * net.symbols_) {
        for (const Layer& layer : net.layers_) {
            const bool first = &layer == &net.layers_.front();
            Part& part = parts_.emplace_back();
            const Tensor weight = layer.linear.weight.parameter();
            const Tensor bias = layer.linear.bias.parameter();
            if (net.context_ > 0) part.heard = projected("made", layer.context, context, n);
            part.units.resize(n * width_);
            if (first) {
                const std::vector<float> begin = plain_numbers(bias);
                for (std::int64_t i = 0; i < n; ++i)
                    std::copy(begin.begin(), begin.end(), &part.units[i * width_]);
                if (!part.heard.empty()) add_to(part.units.data(), part.heard.data(), n * width_);
                continue;
            }
            for (std::int64_t g = 0; g < net.length_; ++g) {
                const std::int64_t from = before(g), to = before(g + 1);
                part.product.push_back(
                    packed(weight.slice(0, from, to).slice(1, 0, to), bias.slice(0, from, to)));
            }
        }
        const Tensor weight = net.out_.weight.parameter(), bias = net.out_.bias.parameter();
        for (std::int64_t i = 0, k = net.symbols_; i < net.length_; ++i)
            out_.push_back(packed(weight.slice(0, i * k, (i + 1) * k).slice(1, 0, before(i + 1)),
                                  bias.slice(0, i * k, (i + 1) * k)));
        see();
    }

    /// A one-hot input picks a column of the first layer's weights for the units that see it.
    void take(const std::int64_t* symbols, std::int64_t stride) {
        const std::int64_t from = before(place + 1);
        for (std::int64_t i = 0; i < n; ++i) {
            const std::int64_t column = place * net_.symbols_ + symbols[i * stride];
            add_to(&parts_[0].units[i * width_ + from], &inputs_[column * width_ + from],
                   width_ - from);
        }
        ++place;
        see();
    }

    const std::vector<float>& logits() {
        out_[place](parts_.back().units.data(), width_, n, logits_.data(), net_.symbols_);
        return logits_;
    }

    const std::int64_t n;
    std::int64_t place = 0;

private:
    struct Part {
        std::vector<PackedLinear> product;  ///< of each degree; none in the first layer
        std::vector<float> heard, units;
    };

    std::int64_t before(std::int64_t degree) const {
        return units_before(degree, width_, net_.length_);
    }

    /// The units whose degree is the number of symbols that came.
    void see() {
        const std::int64_t from = before(place), units = before(place + 1) - from;
        for (std::size_t l = 0; l < parts_.size(); ++l) {
            Part& part = parts_[l];
            if (l > 0)
                part.product[place](parts_[l - 1].units.data(), width_, n, &part.units[from],
                                    width_);
            for (std::int64_t i = 0; i < n; ++i) {
                float* own = &part.units[i * width_ + from];
                if (l > 0 && !part.heard.empty())
                    add_to(own, &part.heard[i * width_ + from], units);
                relu_step(own, units);
            }
        }
    }

    const Made& net_;
    const std::int64_t width_;
    std::vector<float> inputs_;  ///< the first layer's weights, [input, unit]
    std::vector<Part> parts_;
    std::vector<PackedLinear> out_;
    std::vector<float> logits_;
};

std::unique_ptr<SequenceNetwork::State> Made::start(std::int64_t n, const Tensor& context) const {
    return std::make_unique<Steps>(*this, n, context);
}

Tensor Made::next(State& state, const Tensor& came) const {
    auto& steps = static_cast<Steps&>(state);
    const Tensor symbols =
        checked_symbols("made", came, steps.n, symbols_, length_ - 1 - steps.place);
    const std::int64_t k = symbols.size(1);
    for (std::int64_t j = 0; j < k; ++j) steps.take(symbols.const_data_ptr<std::int64_t>() + j, k);
    return rows_of(steps.logits(), steps.n);
}

}  // namespace

void MadeOptions::visit(Fields& f) {
    f.integer("width", width, {.doc = "units of each hidden layer", .low = 1});
    f.integer("layers", layers, {.doc = "hidden layers", .low = 1});
}

std::shared_ptr<SequenceNetwork> make_made(const MadeOptions& options, std::int64_t length,
                                           std::int64_t symbols, std::int64_t context) {
    return std::make_shared<Made>(options, length, symbols, context);
}

}  // namespace pushforward
