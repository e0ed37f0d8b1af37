#include "pushforward/nn/char_lstm.hpp"

#include "pushforward/kernels/packed_linear.hpp"
#include "pushforward/kernels/step.hpp"
#include "pushforward/nn/layers.hpp"
#include "pushforward/nn/packed.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/lstm.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace pushforward {
namespace {

struct StepWeights {
    struct Layer {
        PackedLinear input, hidden;
    };
    std::vector<Layer> layers;
    PackedLinear head;
    Tensor table;  // [symbols + 1, embedding] float32
};

PackedLinear packed(const Tensor& weight, const Tensor& bias) {
    const Tensor w = weight.detach().to(at::kCPU, at::kFloat).contiguous(),
                 b = bias.detach().to(at::kCPU, at::kFloat).contiguous();
    return {w.const_data_ptr<float>(), b.const_data_ptr<float>(), w.size(1), w.size(0)};
}

class CharLstm : public SequenceNetwork {
public:
    CharLstm(const LstmOptions& options, std::int64_t symbols, std::int64_t context)
        : o_(options), symbols_(symbols) {
        table_ =
            Weight(module_->register_parameter("table", at::randn({symbols + 1, o_.embedding})));
        if (context > 0) condition_ = Linear(*module_, "condition", context, o_.embedding);
        auto& stack = submodule(*module_, "lstm");
        const double bound = 1 / std::sqrt(static_cast<double>(o_.width));
        for (std::int64_t i = 0; i < o_.layers; ++i) {
            const std::int64_t in = i == 0 ? o_.embedding : o_.width;
            const auto add = [&](const std::string& name, at::IntArrayRef shape) {
                stack_.emplace_back(stack.register_parameter(
                    name + "_l" + std::to_string(i), at::empty(shape).uniform_(-bound, bound)));
            };
            add("weight_ih", {4 * o_.width, in});
            add("weight_hh", {4 * o_.width, o_.width});
            add("bias_ih", {4 * o_.width});
            add("bias_hh", {4 * o_.width});
        }
        head_ = Linear(*module_, "head", o_.width, symbols);
    }

    Tensor forward(const Tensor& symbols, const Tensor& context) const override {
        const std::int64_t b = symbols.size(0), l = symbols.size(1);
        const Tensor before =
            at::cat({at::full({b, 1}, symbols_, symbols.options()),
                     symbols.slice(1, 0, std::max<std::int64_t>(l - 1, 0)).clamp_min(0)},
                    1)
                .slice(1, 0, l);
        Tensor x = at::embedding(table_.in(dtype_), before);
        if (context.defined()) x = x + condition_(context.to(dtype_)).unsqueeze(1);
        std::vector<Tensor> weights;
        for (const Weight& w : stack_) weights.push_back(w.in(dtype_));
        const Tensor zero = at::zeros({o_.layers, b, o_.width}, x.options());
        const bool training = module_->is_training();
        const Tensor h =
            std::get<0>(at::lstm(x, {zero, zero}, weights, true, o_.layers,
                                 o_.layers > 1 ? o_.dropout : 0, training, false, true));
        return head_(o_.dropout > 0 && training ? at::dropout(h, o_.dropout, true) : h);
    }

    std::unique_ptr<State> start(std::int64_t n, const Tensor& context) const override;
    Tensor next(State& state, const Tensor& came) const override;

private:
    StepWeights step_weights() const {
        StepWeights w;
        for (std::size_t i = 0; i < stack_.size(); i += 4)
            w.layers.push_back({packed(stack_[i].parameter(), stack_[i + 2].parameter()),
                                packed(stack_[i + 1].parameter(), stack_[i + 3].parameter())});
        w.head = packed(head_.weight.parameter(), head_.bias.parameter());
        w.table = table_.parameter().detach().to(at::kCPU, at::kFloat).contiguous();
        return w;
    }

    LstmOptions o_;
    std::int64_t symbols_;
    Weight table_;
    Linear condition_, head_;
    std::vector<Weight> stack_;  // of each layer: input, hidden, and their biases
    MadeOf<StepWeights> packed_;
};

struct LstmState : SequenceNetwork::State {
    std::shared_ptr<const StepWeights> weights;
    std::int64_t n = 0;
    bool begun = false;
    std::vector<float> condition;          // [n, embedding], or empty
    std::vector<std::vector<float>> c, h;  // a layer: [n, width]
    std::vector<float> x, gates, more;     // of the step at hand
};

std::unique_ptr<SequenceNetwork::State> CharLstm::start(std::int64_t n,
                                                        const Tensor& context) const {
    auto s = std::make_unique<LstmState>();
    s->weights = packed_.get(module_->parameters(), [this] { return step_weights(); });
    s->n = n;
    const auto size = static_cast<std::size_t>(n * o_.width);
    s->c.assign(s->weights->layers.size(), std::vector<float>(size));
    s->h = s->c;
    s->x.resize(static_cast<std::size_t>(n * o_.embedding));
    s->gates.resize(4 * size);
    s->more.resize(4 * size);
    if (context.defined()) {
        const Tensor c = context.to(at::kCPU, at::kFloat).contiguous();
        s->condition.resize(s->x.size());
        packed(condition_.weight.parameter(), condition_.bias.parameter())(
            c.const_data_ptr<float>(), c.size(1), n, s->condition.data(), o_.embedding);
    }
    return s;
}

Tensor CharLstm::next(State& state, const Tensor& came) const {
    auto& s = dynamic_cast<LstmState&>(state);
    const StepWeights& w = *s.weights;
    const std::int64_t n = s.n, width = o_.width;
    const Tensor symbols = came.to(at::kCPU).contiguous();
    const auto* symbol = symbols.const_data_ptr<std::int64_t>();
    const std::int64_t k = symbols.size(1);
    const auto step = [&](std::int64_t column) {  // -1: the place before the first symbol
        for (std::int64_t r = 0; r < n; ++r) {
            const std::int64_t before =
                column < 0 ? symbols_ : std::max<std::int64_t>(symbol[r * k + column], 0);
            const float* const row = w.table.const_data_ptr<float>() + before * o_.embedding;
            float* const to = s.x.data() + r * o_.embedding;
            for (std::int64_t i = 0; i < o_.embedding; ++i)
                to[i] = s.condition.empty()
                            ? row[i]
                            : row[i] + s.condition[static_cast<std::size_t>(r * o_.embedding + i)];
        }
        const float* x = s.x.data();
        std::int64_t in = o_.embedding;
        for (std::size_t layer = 0; layer < w.layers.size(); ++layer) {
            float* const h = s.h[layer].data();
            w.layers[layer].input(x, in, n, s.gates.data(), 4 * width);
            w.layers[layer].hidden(h, width, n, s.more.data(), 4 * width);
            for (std::size_t i = 0; i < s.gates.size(); ++i) s.gates[i] += s.more[i];
            for (std::int64_t r = 0; r < n; ++r)
                lstm_step(s.gates.data() + r * 4 * width, width, s.c[layer].data() + r * width,
                          h + r * width);
            x = h;
            in = width;
        }
    };
    if (!s.begun) step(-1);
    s.begun = true;
    for (std::int64_t column = 0; column < k; ++column) step(column);
    const Tensor logits = at::empty({n, symbols_});
    w.head(s.h.back().data(), width, n, logits.data_ptr<float>(), symbols_);
    return logits;
}

}  // namespace

void LstmOptions::visit(Fields& f) {
    f.integer("embedding", embedding, {.doc = "numbers a symbol", .low = 1});
    f.integer("width", width, {.doc = "units of each layer", .low = 1});
    f.integer("layers", layers, {.doc = "layers on one another", .low = 1});
    f.number("dropout", dropout,
             {.doc = "share of units dropped between layers and before the head while training",
              .low = 0,
              .high = 0.9});
}

std::shared_ptr<SequenceNetwork> make_lstm_network(const LstmOptions& options, std::int64_t symbols,
                                                   std::int64_t context) {
    return std::make_shared<CharLstm>(options, symbols, context);
}

}  // namespace pushforward
