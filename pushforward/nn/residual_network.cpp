#include "pushforward/nn/residual_network.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/nn/embedding.hpp"
#include "pushforward/nn/layers.hpp"
#include "pushforward/nn/residual_block.hpp"

#include <ATen/ops/silu.h>
#include <torch/nn/module.h>

#include <vector>

namespace pushforward {
namespace {

class ResidualNetwork : public torch::nn::Module, public FeatureNetwork {
public:
    ResidualNetwork(const ResidualNetworkOptions& o, const Space& space)
        : Module("residual_network") {
        PF_CHECK(space.is_image(), "residual network",
                 "images (the network \"mlp\" takes any item)",
                 text("items of ", space.event.size(), " dimensions"));
        PF_CHECK(!o.multipliers.empty(), "residual network: multipliers", "at least one level",
                 "none");
        for (auto m : o.multipliers)
            PF_CHECK(m > 0, "residual network: multipliers", "positive numbers", m);
        PF_CHECK(o.channels % 2 == 0, "residual network: channels", "an even number", o.channels);
        const std::int64_t embedding = 4 * o.channels;
        time_ = TimeEmbedding(*this, "time_embedding", o.channels, embedding);
        conv_in_ = Conv2d(*this, "conv_in", space.event[0], o.channels);
        width_ = o.channels;
        for (std::size_t i = 0; i < o.multipliers.size(); ++i) {
            torch::nn::Module& own = submodule(submodule(*this, "levels"), std::to_string(i));
            Level& level = levels_.emplace_back();
            if (i > 0) level.down.emplace_back(own, "down", width_, width_, 3, 2);
            for (std::int64_t j = 0; j < o.blocks; ++j) {
                const std::int64_t in = width_;
                width_ = o.channels * o.multipliers[i];
                level.blocks.emplace_back(submodule(own, "resnets"), std::to_string(j), in, width_,
                                          embedding, o.groups);
            }
        }
        norm_out_ = GroupNorm(*this, "norm_out", width_, o.groups);
    }

    torch::nn::Module& module() override { return *this; }
    std::int64_t features() const override { return width_; }
    bool bears_bfloat16() const override { return true; }

    Tensor forward(const Tensor& x, const Tensor& t) const override {
        const Tensor e = at::silu(time_(t, x.scalar_type()));
        Tensor h = conv_in_(x.contiguous(at::MemoryFormat::ChannelsLast));
        for (const Level& level : levels_) {
            for (const Conv2d& down : level.down) h = down(h);
            for (const ResidualBlock& block : level.blocks) h = block(h, e);
        }
        h = norm_out_(h, true);
        return (h.scalar_type() == at::kBFloat16 ? h.to(at::kFloat) : h).mean({2, 3});
    }

private:
    struct Level {
        std::vector<Conv2d> down;  ///< none or one
        std::vector<ResidualBlock> blocks;
    };
    TimeEmbedding time_;
    Conv2d conv_in_;
    std::vector<Level> levels_;
    GroupNorm norm_out_;
    std::int64_t width_ = 0;
};

}  // namespace

void ResidualNetworkOptions::visit(Fields& f) {
    f.integer("channels", channels, {.doc = "channels at full resolution; even", .low = 2});
    f.integers("multipliers", multipliers,
               {.doc = "channels of each level over `channels`; each level halves the resolution"});
    f.integer("blocks", blocks, {.doc = "residual blocks a level", .low = 1});
    f.integer(
        "groups", groups,
        {.doc = "groups of each normalisation (the greatest common divisor with its channels)",
         .low = 1});
}

std::shared_ptr<FeatureNetwork> make_residual_network(const ResidualNetworkOptions& options,
                                                      const Space& space) {
    return std::make_shared<ResidualNetwork>(options, space);
}

}  // namespace pushforward
