#include "pushforward/nn/unet.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/nn/embedding.hpp"
#include "pushforward/nn/layers.hpp"
#include "pushforward/nn/residual_block.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/upsample_nearest2d.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace pushforward {
namespace {

using torch::nn::Module;

/// softmax(q k^T / sqrt(d)) v for [B, heads, positions, d]. LibTorch's kernel on the CPU spends
/// most of its bfloat16 backward pass on making a oneDNN primitive for each head's small products,
/// and its gradient cannot be differentiated; batched products are four times faster there and can,
/// while their scores, [B, heads, positions^2], are small.
Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v) {
    constexpr std::int64_t few = 256;
    if (!q.is_cpu() || q.size(2) > few) return at::scaled_dot_product_attention(q, k, v);
    const auto wide = q.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
    const double scale = 1 / std::sqrt(static_cast<double>(q.size(3)));
    const Tensor scores = at::matmul(q, k.transpose(-1, -2)).to(wide) * scale;
    return at::matmul(at::softmax(scores, -1).to(q.scalar_type()), v);
}

/// Multi-head self-attention over all positions, added to its input (Vaswani et al. 2017).
struct Attention {
    GroupNorm norm;
    Linear q, k, v, out;
    std::int64_t heads;

    Attention(Module& parent, const std::string& name, std::int64_t channels,
              std::int64_t head_size, std::int64_t groups)
        : heads(channels / head_size) {
        PF_CHECK(channels % head_size == 0, "unet: head_size",
                 text("a divisor of the attention's ", channels, " channels"), head_size);
        Module& own = submodule(parent, name);
        norm = GroupNorm(own, "group_norm", channels, groups);
        q = Linear(own, "to_q", channels, channels);
        k = Linear(own, "to_k", channels, channels);
        v = Linear(own, "to_v", channels, channels);
        out = Linear(submodule(own, "to_out"), "0", channels, channels, Init::zero);
    }

    Tensor operator()(const Tensor& x) const {
        const std::int64_t n = x.size(0), channels = x.size(1), positions = x.size(2) * x.size(3);
        const Tensor rows = norm(x).permute({0, 2, 3, 1}).reshape({n, positions, channels});
        const auto split = [&](const Tensor& y) {
            return y.view({n, positions, heads, channels / heads}).transpose(1, 2);
        };
        const Tensor mixed = attend(split(q(rows)), split(k(rows)), split(v(rows)));
        const Tensor y = out(mixed.transpose(1, 2).reshape({n, positions, channels}));
        return x + y.view({n, x.size(2), x.size(3), channels}).permute({0, 3, 1, 2});
    }
};

/// One resolution: blocks, each followed by attention where there is one, then a change of size.
struct Level {
    std::vector<ResidualBlock> blocks;
    std::vector<Attention> attentions;
    std::vector<Conv2d> resample;  ///< none or one

    Tensor block(std::size_t i, const Tensor& x, const Tensor& e) const {
        const Tensor h = blocks[i](x, e);
        return attentions.empty() ? h : attentions[i](h);
    }
};

class Unet : public Module, public DenoisingNetwork {
public:
    Unet(const UnetOptions& o, const DataSpec& spec, std::int64_t outputs) : Module("unet") {
        const auto& event = spec.x.event;
        PF_CHECK(spec.x.is_image() && event[0] >= 1 && event[0] <= 4, "unet",
                 "images of 1 to 4 channels (the network \"mlp\" takes any item)",
                 text("items of ", event.size(), " dimensions"));
        const auto levels = o.multipliers.size();
        PF_CHECK(levels > 0, "unet: multipliers", "at least one level", "none");
        for (auto m : o.multipliers) PF_CHECK(m > 0, "unet: multipliers", "positive numbers", m);
        for (auto a : o.attention)
            PF_CHECK(a >= 0 && a < static_cast<std::int64_t>(levels), "unet: attention",
                     text("levels from 0 to ", levels - 1), a);
        const auto attends = [&](std::size_t level) {
            return std::find(o.attention.begin(), o.attention.end(),
                             static_cast<std::int64_t>(level)) != o.attention.end();
        };
        multiple_ = std::int64_t{1} << (levels - 1);

        const std::int64_t embedding = 4 * o.channels, colours = event[0];
        time_ = TimeEmbedding(*this, "time_embedding", o.channels, embedding);
        condition_ = ConditionEmbedding(*this, "condition_embedding", spec.conditions, embedding);

        std::int64_t width = o.channels;
        conv_in_ = Conv2d(*this, "conv_in", colours, width);
        std::vector<std::int64_t> skips{width};
        const auto add = [&](Level& level, Module& own, std::int64_t in, std::int64_t out,
                             bool attention) {
            const std::string number = std::to_string(level.blocks.size());
            level.blocks.emplace_back(submodule(own, "resnets"), number, in, out, embedding,
                                      o.groups);
            if (attention)
                level.attentions.emplace_back(submodule(own, "attentions"), number, out,
                                              o.head_size, o.groups);
        };
        for (std::size_t i = 0; i < levels; ++i) {
            Module& own = submodule(submodule(*this, "down_blocks"), std::to_string(i));
            Level& level = down_.emplace_back();
            for (std::int64_t j = 0; j < o.blocks; ++j) {
                const std::int64_t in = width;
                width = o.channels * o.multipliers[i];
                add(level, own, in, width, attends(i));
                skips.push_back(width);
            }
            if (i + 1 < levels) {
                Module& down = submodule(submodule(own, "downsamplers"), "0");
                level.resample.emplace_back(down, "conv", width, width, 3, 2);
                skips.push_back(width);
            }
        }
        Module& middle = submodule(*this, "mid_block");
        add(middle_, middle, width, width, !o.attention.empty());
        middle_.blocks.emplace_back(submodule(middle, "resnets"), "1", width, width, embedding,
                                    o.groups);
        for (std::size_t i = 0; i < levels; ++i) {
            Module& own = submodule(submodule(*this, "up_blocks"), std::to_string(i));
            Level& level = up_.emplace_back();
            for (std::int64_t j = 0; j <= o.blocks; ++j) {
                const std::int64_t in = width + skips.back();
                skips.pop_back();
                width = o.channels * o.multipliers[levels - 1 - i];
                add(level, own, in, width, attends(levels - 1 - i));
            }
            if (i + 1 < levels) {
                Module& up = submodule(submodule(own, "upsamplers"), "0");
                level.resample.emplace_back(up, "conv", width, width);
            }
        }
        norm_out_ = GroupNorm(*this, "conv_norm_out", width, o.groups);
        conv_out_ = Conv2d(*this, "conv_out", width, outputs * colours, 3, 1, Init::zero);
    }

    Module& module() override { return *this; }
    bool bears_bfloat16() const override { return true; }

    Tensor forward(const Tensor& x, const Tensor& t, const Condition& c) const override {
        const Tensor e = at::silu(condition_(time_(t, x.scalar_type()), c));
        const std::int64_t height = x.size(2), width = x.size(3);
        Tensor h = padded(x).contiguous(at::MemoryFormat::ChannelsLast);

        h = conv_in_(h);
        std::vector<Tensor> skips{h};
        for (const Level& level : down_) {
            for (std::size_t i = 0; i < level.blocks.size(); ++i)
                skips.push_back(h = level.block(i, h, e));
            for (const Conv2d& conv : level.resample) skips.push_back(h = conv(h));
        }
        h = middle_.blocks[1](middle_.block(0, h, e), e);
        for (const Level& level : up_) {
            for (std::size_t i = 0; i < level.blocks.size(); ++i) {
                h = level.block(i, at::cat({h, skips.back()}, 1), e);
                skips.pop_back();
            }
            for (const Conv2d& conv : level.resample)
                h = conv(at::upsample_nearest2d(h, {2 * h.size(2), 2 * h.size(3)}));
        }
        h = conv_out_(norm_out_(h, true));
        return h.slice(2, 0, height).slice(3, 0, width).contiguous();
    }

private:
    /// Zeros on the right and below, up to a multiple of the down-sampling.
    Tensor padded(const Tensor& x) const {
        const auto missing = [&](std::int64_t n) {
            return (multiple_ - n % multiple_) % multiple_;
        };
        const std::int64_t right = missing(x.size(3)), below = missing(x.size(2));
        return right + below == 0 ? x : at::constant_pad_nd(x, {0, right, 0, below});
    }

    std::int64_t multiple_ = 1;
    TimeEmbedding time_;
    ConditionEmbedding condition_;
    Conv2d conv_in_, conv_out_;
    std::vector<Level> down_, up_;
    Level middle_;
    GroupNorm norm_out_;
};

}  // namespace

void UnetOptions::visit(Fields& f) {
    f.integer("channels", channels, {.doc = "channels at full resolution; even", .low = 2});
    f.integers("multipliers", multipliers,
               {.doc = "channels of each level over `channels`; each level halves the resolution"});
    f.integer("blocks", blocks, {.doc = "residual blocks a level", .low = 1});
    f.integers("attention", attention,
               {.doc = "levels with self-attention, 0 = full resolution; [] = none at all"});
    f.integer("head_size", head_size, {.doc = "channels of one attention head", .low = 1});
    f.integer(
        "groups", groups,
        {.doc = "groups of each normalisation (the greatest common divisor with its channels)",
         .low = 1});
}

std::shared_ptr<DenoisingNetwork> make_unet(const UnetOptions& options, const DataSpec& spec,
                                            std::int64_t outputs) {
    PF_CHECK(options.channels % 2 == 0, "unet: channels", "an even number", options.channels);
    return std::make_shared<Unet>(options, spec, outputs);
}

}  // namespace pushforward
