#include "pushforward/nn/wavenet.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/kernels/step.hpp"
#include "pushforward/nn/causal.hpp"
#include "pushforward/nn/layers.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/tanh.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <string>
#include <vector>

namespace pushforward {
namespace {

class WaveNet : public SequenceNetwork {
public:
    WaveNet(const WaveNetOptions& o, std::int64_t symbols, std::int64_t context)
        : o_(o), symbols_(symbols), context_(context) {
        PF_CHECK(symbols > 0, "wavenet", "at least one symbol", symbols);
        embedding_ = Weight(
            submodule(*module_, "embedding")
                .register_parameter("weight", at::empty({symbols + 1, o.features}).normal_()));
        for (std::int64_t i = 0; i < o.cycles * o.layers; ++i) {
            torch::nn::Module& own = submodule(submodule(*module_, "layers"), std::to_string(i));
            Layer& layer = layers_.emplace_back();
            layer.dilation = std::int64_t{1} << (i % o.layers);
            layer.gate = Linear(own, "gate", o.kernel * o.features, 2 * o.features);
            if (context > 0) layer.context = Linear(own, "context", context, 2 * o.features);
            if (i + 1 < o.cycles * o.layers)
                layer.residual = Linear(own, "residual", o.features, o.features);
            layer.skip = Linear(own, "skip", o.features, o.skip);
        }
        out_1_ = Linear(*module_, "out_1", o.skip, o.skip);
        out_2_ = Linear(*module_, "out_2", o.skip, symbols, Init::zero);
    }

    Tensor forward(const Tensor& symbols, const Tensor& context) const override {
        const auto type = dtype_;
        const std::int64_t rows = symbols.size(0), length = symbols.size(1);
        const Tensor start = at::full({rows, 1}, symbols_, symbols.options());
        const Tensor before = at::cat({start, symbols.clamp_min(0)}, 1).slice(1, 0, length);
        Tensor h = at::embedding(embedding_.in(type), before), skips;
        for (const Layer& layer : layers_) {
            const Tensor padded =
                at::constant_pad_nd(h, {0, 0, (o_.kernel - 1) * layer.dilation, 0});
            std::vector<Tensor> taps;
            for (std::int64_t j = 0; j < o_.kernel; ++j)
                taps.push_back(padded.narrow(1, j * layer.dilation, length));
            Tensor gates = layer.gate(at::cat(taps, 2));
            if (context_ > 0 && context.defined())
                gates = gates + layer.context(context.to(type)).unsqueeze(1);
            const auto halves = gates.chunk(2, 2);
            const Tensor y = at::tanh(halves[0]) * at::sigmoid(halves[1]);
            const Tensor skip = layer.skip(y);
            skips = skips.defined() ? skips + skip : skip;
            if (&layer != &layers_.back()) h = h + layer.residual(y);
        }
        return out_2_(at::relu(out_1_(at::relu(skips))));
    }

    std::unique_ptr<State> start(std::int64_t n, const Tensor& context) const override;
    Tensor next(State& state, const Tensor& came) const override;

private:
    struct Layer {
        std::int64_t dilation = 1;
        Linear gate, context, residual, skip;
    };
    class Steps;

    WaveNetOptions o_;
    std::int64_t symbols_, context_;
    Weight embedding_;
    std::vector<Layer> layers_;
    Linear out_1_, out_2_;
};

/// Each layer's last inputs in a ring, [place, row, feature]; places before the first are zero.
class WaveNet::Steps : public State {
public:
    Steps(const WaveNet& net, std::int64_t rows, const Tensor& context)
        : n(rows),
          o_(net.o_),
          table_(plain_numbers(net.embedding_.parameter())),
          out_1_(packed(net.out_1_)),
          out_2_(packed(net.out_2_)),
          h_(n * o_.features),
          taps_(n * o_.kernel * o_.features),
          gates_(2 * n * o_.features),
          skips_(n * o_.skip),
          work_(n * std::max(o_.features, o_.skip)),
          logits_(n * net.symbols_) {
        for (const Layer& layer : net.layers_) {
            Part& part = parts_.emplace_back();
            part.dilation = layer.dilation;
            part.places = (o_.kernel - 1) * layer.dilation + 1;
            part.gate = packed(layer.gate);
            part.skip = packed(layer.skip);
            if (&layer != &net.layers_.back()) part.residual = packed(layer.residual);
            if (net.context_ > 0) part.context = projected("wavenet", layer.context, context, n);
            part.ring.resize(part.places * n * o_.features);
        }
        const std::vector<std::int64_t> starts(n, net.symbols_);
        take(starts.data(), 1);
    }

    /// Each row takes its symbol, `stride` numbers after the last row's.
    void take(const std::int64_t* symbols, std::int64_t stride) {
        const std::int64_t f = o_.features;
        for (std::int64_t i = 0; i < n; ++i)
            std::copy_n(&table_[symbols[i * stride] * f], f, &h_[i * f]);
        std::fill(skips_.begin(), skips_.end(), 0.f);
        for (Part& part : parts_) convolve(part);
        ++place_;
        answered_ = false;
    }

    const std::vector<float>& logits() {
        if (answered_) return logits_;
        relu_step(skips_.data(), n * o_.skip);
        out_1_(skips_.data(), o_.skip, n, work_.data(), o_.skip);
        relu_step(work_.data(), n * o_.skip);
        out_2_(work_.data(), o_.skip, n, logits_.data(), out_2_.out());
        answered_ = true;
        return logits_;
    }

    const std::int64_t n;

private:
    struct Part {
        std::int64_t dilation, places;
        PackedLinear gate, residual, skip;
        std::vector<float> context, ring;
    };

    void convolve(Part& part) {
        const std::int64_t f = o_.features, k = o_.kernel;
        std::copy(h_.begin(), h_.end(), &part.ring[place_ % part.places * n * f]);
        for (std::int64_t j = 0; j < k; ++j) {
            const std::int64_t back = (k - 1 - j) * part.dilation;
            const float* then = &part.ring[(place_ + part.places - back) % part.places * n * f];
            for (std::int64_t i = 0; i < n; ++i)
                std::copy_n(then + i * f, f, &taps_[(i * k + j) * f]);
        }
        part.gate(taps_.data(), k * f, n, gates_.data(), 2 * f);
        if (!part.context.empty()) add_to(gates_.data(), part.context.data(), 2 * n * f);
        for (std::int64_t i = 0; i < n; ++i)
            gate_step(&gates_[2 * i * f], &gates_[(2 * i + 1) * f], f, &gates_[2 * i * f]);
        part.skip(gates_.data(), 2 * f, n, work_.data(), o_.skip);
        add_to(skips_.data(), work_.data(), n * o_.skip);
        if (&part == &parts_.back()) return;
        part.residual(gates_.data(), 2 * f, n, work_.data(), f);
        add_to(h_.data(), work_.data(), n * f);
    }

    WaveNetOptions o_;
    std::vector<float> table_;
    std::vector<Part> parts_;
    PackedLinear out_1_, out_2_;
    std::vector<float> h_, taps_, gates_, skips_, work_, logits_;
    std::int64_t place_ = 0;
    bool answered_ = false;
};

std::unique_ptr<SequenceNetwork::State> WaveNet::start(std::int64_t n,
                                                       const Tensor& context) const {
    return std::make_unique<Steps>(*this, n, context);
}

Tensor WaveNet::next(State& state, const Tensor& came) const {
    auto& steps = static_cast<Steps&>(state);
    const Tensor symbols = checked_symbols("wavenet", came, steps.n, symbols_);
    const std::int64_t k = symbols.size(1);
    for (std::int64_t j = 0; j < k; ++j) steps.take(symbols.const_data_ptr<std::int64_t>() + j, k);
    return rows_of(steps.logits(), steps.n);
}

}  // namespace

void WaveNetOptions::visit(Fields& f) {
    f.integer("features", features, {.doc = "features of each layer", .low = 1});
    f.integer("skip", skip, {.doc = "features that the layers' skip connections add up", .low = 1});
    f.integer("kernel", kernel, {.doc = "places that each convolution sees", .low = 2});
    f.integer("layers", layers,
              {.doc = "layers a cycle, of dilations 1, 2, 4, ..", .low = 1, .high = 30});
    f.integer("cycles", cycles, {.doc = "cycles of layers", .low = 1});
}

std::int64_t WaveNetOptions::receptive_field() const {
    return 1 + cycles * (kernel - 1) * ((std::int64_t{1} << layers) - 1);
}

std::shared_ptr<SequenceNetwork> make_wavenet(const WaveNetOptions& options, std::int64_t symbols,
                                              std::int64_t context) {
    return std::make_shared<WaveNet>(options, symbols, context);
}

}  // namespace pushforward
