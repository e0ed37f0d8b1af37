#include "pushforward/nn/gpt.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/kernels/linear.hpp"
#include "pushforward/nn/gpt_steps.hpp"
#include "pushforward/nn/layers.hpp"
#include "pushforward/nn/packed.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/full.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/zeros.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

namespace pushforward {
namespace {

constexpr double kNormEps = 1e-5;
/// Of the normal law that weights begin from (Radford et al. 2019).
constexpr double kSpread = 0.02;

/// A linear layer with or without a bias, begun from N(0, spread^2).
struct Product {
    Weight weight, bias;

    Product() = default;
    Product(torch::nn::Module& parent, const std::string& name, std::int64_t in, std::int64_t out,
            bool biased, double spread) {
        torch::nn::Module& own = submodule(parent, name);
        weight = Weight(own.register_parameter("weight", at::randn({out, in}) * spread));
        if (biased) bias = Weight(own.register_parameter("bias", at::zeros({out})));
    }
    Tensor operator()(const Tensor& x) const {
        const auto dtype = x.scalar_type();
        return linear_layer(x, weight.in(dtype),
                            bias.parameter().defined() ? bias.in(dtype) : Tensor());
    }
    PackedLinear packed() const {
        const Tensor w = weight.parameter().detach().to(at::kCPU, at::kFloat).contiguous();
        const Tensor b = bias.parameter().defined()
                             ? bias.parameter().detach().to(at::kCPU, at::kFloat).contiguous()
                             : Tensor();
        return {w.const_data_ptr<float>(), b.defined() ? b.const_data_ptr<float>() : nullptr,
                w.size(1), w.size(0)};
    }
};

std::vector<float> numbers(const Tensor& t) {
    if (!t.defined()) return {};
    const Tensor plain = t.detach().to(at::kCPU, at::kFloat).contiguous();
    return {plain.const_data_ptr<float>(), plain.const_data_ptr<float>() + plain.numel()};
}

struct Norm {
    Weight gain, shift;
    bool rms = false;

    Norm() = default;
    Norm(torch::nn::Module& parent, const std::string& name, std::int64_t width, bool rms_,
         bool biased)
        : rms(rms_) {
        torch::nn::Module& own = submodule(parent, name);
        gain = Weight(own.register_parameter("weight", at::ones({width})));
        if (!rms && biased) shift = Weight(own.register_parameter("bias", at::zeros({width})));
    }
    Tensor operator()(const Tensor& x) const {
        const auto dtype = x.scalar_type();
        if (rms) {
            const Tensor wide = dtype == at::kDouble ? x : x.to(at::kFloat);
            const Tensor scale = (wide.square().mean(-1, true) + kNormEps).rsqrt();
            return (wide * scale).to(dtype) * gain.in(dtype);
        }
        return at::layer_norm(
            x, {x.size(-1)}, gain.in(dtype),
            shift.parameter().defined() ? std::optional(shift.in(dtype)) : std::nullopt, kNormEps);
    }

    StepNorm step() const { return {numbers(gain.parameter()), numbers(shift.parameter()), rms}; }
};

/// cos and sin of place times base^(-2 i / d), i < d / 2: [places, d / 2] each.
struct Rotation {
    Tensor cosine, sine;

    Rotation(std::int64_t places, std::int64_t d, double base) {
        const Tensor i = at::arange(d / 2, at::kDouble);
        const Tensor angle = at::outer(at::arange(places, at::kDouble),
                                       (i * (-2 * std::log(base) / static_cast<double>(d))).exp());
        cosine = angle.cos();
        sine = angle.sin();
    }
    /// x [B, heads, L, d]: entries i and i + d / 2 are turned together.
    Tensor operator()(const Tensor& x) const {
        const std::int64_t l = x.size(2), half = x.size(3) / 2;
        const Tensor c = cosine.slice(0, 0, l).to(x.options()),
                     s = sine.slice(0, 0, l).to(x.options());
        const Tensor a = x.slice(3, 0, half), b = x.slice(3, half);
        return at::cat({a * c - b * s, b * c + a * s}, 3);
    }
};

struct Block {
    Norm norm_1, norm_2;
    Product qkv, out, up, gate, down;

    Block(torch::nn::Module& parent, const std::string& name, const GptOptions& o,
          std::int64_t key_width, std::int64_t hidden) {
        torch::nn::Module& own = submodule(parent, name);
        const bool rms = o.norm == NormKind::rms;
        const double last = kSpread / std::sqrt(2 * static_cast<double>(o.layers));
        norm_1 = Norm(own, "norm_1", o.width, rms, o.bias);
        qkv = Product(own, "qkv", o.width, o.width + 2 * key_width, o.bias, kSpread);
        out = Product(own, "out", o.width, o.width, o.bias, last);
        norm_2 = Norm(own, "norm_2", o.width, rms, o.bias);
        if (o.feed_forward == FeedForward::swiglu)
            gate = Product(own, "gate", o.width, hidden, o.bias, kSpread);
        up = Product(own, "up", o.width, hidden, o.bias, kSpread);
        down = Product(own, "down", hidden, o.width, o.bias, last);
    }
};

class Gpt : public SequenceNetwork {
public:
    Gpt(const GptOptions& options, std::int64_t symbols, std::int64_t context)
        : o_(options),
          symbols_(symbols),
          key_heads_(options.key_heads > 0 ? options.key_heads : options.heads),
          head_(options.width / options.heads),
          hidden_(hidden_units(options)),
          rotation_(options.context, head_, options.rotary_base) {
        PF_CHECK(o_.width % o_.heads == 0, "model.width",
                 text("a multiple of model.heads = ", o_.heads), o_.width);
        PF_CHECK(o_.heads % key_heads_ == 0, "model.key_heads",
                 text("a divisor of model.heads = ", o_.heads), key_heads_);
        PF_CHECK(o_.positions == Positions::learned || head_ % 2 == 0, "model.width",
                 "heads of an even size, whose numbers turn in pairs", head_);
        PF_CHECK(o_.context >= 2 && o_.context % 2 == 0, "model.context", "an even number",
                 o_.context);
        table_ = Weight(
            module_->register_parameter("table", at::randn({symbols + 1, o_.width}) * kSpread));
        if (o_.positions == Positions::learned)
            places_ = Weight(
                module_->register_parameter("places", at::randn({o_.context, o_.width}) * kSpread));
        if (context > 0)
            condition_ = Product(*module_, "condition", context, o_.width, true, kSpread);
        for (std::int64_t i = 0; i < o_.layers; ++i)
            blocks_.emplace_back(submodule(*module_, "blocks"), std::to_string(i), o_,
                                 key_heads_ * head_, hidden_);
        norm_ = Norm(*module_, "norm", o_.width, o_.norm == NormKind::rms, o_.bias);
        if (!o_.tied) out_ = Product(*module_, "head", o_.width, symbols, false, kSpread);
    }

    std::int64_t longest() const override { return o_.context; }

    Tensor forward(const Tensor& symbols, const Tensor& context) const override {
        const std::int64_t b = symbols.size(0), l = symbols.size(1);
        PF_CHECK(l <= o_.context, "gpt", text("at most ", o_.context, " symbols"), l);
        const Tensor before =
            at::cat({at::full({b, 1}, symbols_, symbols.options()),
                     symbols.slice(1, 0, std::max<std::int64_t>(l - 1, 0)).clamp_min(0)},
                    1)
                .slice(1, 0, l);
        Tensor x = at::embedding(table_.in(dtype_), before);
        if (places_.parameter().defined()) x = x + places_.in(dtype_).slice(0, 0, l);
        if (context.defined()) x = x + condition_(context.to(dtype_)).unsqueeze(1);
        x = dropped(x);
        for (const Block& block : blocks_) {
            x = x + dropped(block.out(attended(block.qkv(block.norm_1(x)))));
            x = x + dropped(block.down(between(block, block.norm_2(x))));
        }
        x = norm_(x);
        return o_.tied ? linear_layer(x, table_.in(dtype_).slice(0, 0, symbols_), {}) : out_(x);
    }

    std::unique_ptr<State> start(std::int64_t n, const Tensor& context) const override;
    Tensor next(State& state, const Tensor& came) const override;

private:
    static std::int64_t hidden_units(const GptOptions& o) {
        if (o.hidden > 0) return o.hidden;
        return o.feed_forward == FeedForward::swiglu ? (8 * o.width / 3 + 31) / 32 * 32
                                                     : 4 * o.width;
    }
    Tensor dropped(const Tensor& x) const {
        return o_.dropout > 0 && module_->is_training() ? at::dropout(x, o_.dropout, true) : x;
    }
    Tensor between(const Block& block, const Tensor& x) const {
        if (o_.feed_forward == FeedForward::swiglu) return at::silu(block.gate(x)) * block.up(x);
        return at::gelu(block.up(x), "tanh");
    }
    /// qkv [B, L, width + 2 key width] -> [B, L, width].
    Tensor attended(const Tensor& qkv) const {
        const std::int64_t b = qkv.size(0), l = qkv.size(1), keys = key_heads_ * head_;
        const auto heads = [&](std::int64_t from, std::int64_t n) {
            return qkv.slice(2, from, from + n * head_).view({b, l, n, head_}).transpose(1, 2);
        };
        Tensor q = heads(0, o_.heads), k = heads(o_.width, key_heads_),
               v = heads(o_.width + keys, key_heads_);
        if (o_.positions == Positions::rotary) {
            q = rotation_(q);
            k = rotation_(k);
        }
        if (key_heads_ != o_.heads) {
            k = k.repeat_interleave(o_.heads / key_heads_, 1);
            v = v.repeat_interleave(o_.heads / key_heads_, 1);
        }
        return at::scaled_dot_product_attention(q, k, v, {}, 0, true)
            .transpose(1, 2)
            .reshape({b, l, o_.width});
    }

    GptWeights step_weights() const;

    GptOptions o_;
    std::int64_t symbols_, key_heads_, head_, hidden_;
    Rotation rotation_;
    Weight table_, places_;
    Product condition_, out_;
    std::vector<Block> blocks_;
    Norm norm_;
    MadeOf<GptWeights> packed_;
};

// --- one symbol after another --------------------------------------------------------------------

GptWeights Gpt::step_weights() const {
    GptWeights w;
    w.shape = {symbols_,   o_.context, o_.width, o_.heads,
               key_heads_, head_,      hidden_,  o_.positions == Positions::rotary};
    for (const Block& block : blocks_) {
        GptWeights::Layer layer{block.norm_1.step(), block.norm_2.step(), block.qkv.packed(),
                                block.out.packed(),  block.up.packed(),   {},
                                block.down.packed()};
        if (o_.feed_forward == FeedForward::swiglu) layer.gate = block.gate.packed();
        w.layers.push_back(std::move(layer));
    }
    w.norm = norm_.step();
    w.table = numbers(table_.parameter());
    w.places = numbers(places_.parameter());
    w.cosine = numbers(rotation_.cosine);
    w.sine = numbers(rotation_.sine);
    w.head = o_.tied ? PackedLinear(w.table.data(), nullptr, o_.width, symbols_) : out_.packed();
    if (condition_.weight.parameter().defined()) w.conditioned = condition_.packed();
    return w;
}

std::unique_ptr<SequenceNetwork::State> Gpt::start(std::int64_t n, const Tensor& context) const {
    return std::make_unique<GptSteps>(
        packed_.get(module_->parameters(), [this] { return step_weights(); }), n, context);
}

Tensor Gpt::next(State& state, const Tensor& came) const {
    return dynamic_cast<GptSteps&>(state).next(came);
}

}  // namespace

void GptOptions::visit(Fields& f) {
    f.integer("layers", layers, {.doc = "blocks of attention and feed-forward", .low = 1});
    f.integer("heads", heads, {.doc = "heads of attention", .low = 1});
    f.integer("key_heads", key_heads,
              {.doc = "heads of keys and values, shared by groups; 0: as many as heads", .low = 0});
    f.integer("width", width, {.doc = "numbers a place", .low = 1});
    f.integer(
        "hidden", hidden,
        {.doc = "units of the feed-forward part; 0: 4 width, 8/3 width for swiglu", .low = 0});
    f.integer("context", context,
              {.doc = "places that attention sees; longer text is taken in windows of which the "
                      "second half is new",
               .unit = "symbols",
               .low = 2});
    f.choice_of("positions", positions,
                {{"learned", Positions::learned}, {"rotary", Positions::rotary}},
                {.doc = "how places are told apart"});
    f.choice_of("norm", norm, {{"layer", NormKind::layer}, {"rms", NormKind::rms}},
                {.doc = "what normalises"});
    f.choice_of("feed_forward", feed_forward,
                {{"gelu", FeedForward::gelu}, {"swiglu", FeedForward::swiglu}},
                {.doc = "the feed-forward part"});
    f.flag("tied", tied, {.doc = "whether the head's weights are the table's"});
    f.flag("bias", bias, {.doc = "whether linear layers and layer norms have shifts"});
    f.number("dropout", dropout,
             {.doc = "share of each part's numbers dropped before they are added, while training",
              .low = 0,
              .high = 0.9});
    f.number("rotary_base", rotary_base, {.doc = "of rotary positions", .low = 1});
}

std::shared_ptr<SequenceNetwork> make_gpt_network(const GptOptions& options, std::int64_t symbols,
                                                  std::int64_t context) {
    return std::make_shared<Gpt>(options, symbols, context);
}

}  // namespace pushforward
