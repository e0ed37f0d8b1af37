#include "pushforward/families/flow/dequantiser.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/bijections/elementwise.hpp"
#include "pushforward/bijections/image.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/relu.h>
#include <torch/nn/module.h>

#include <cmath>
#include <numbers>

namespace pushforward {

Dequantiser::Dequantiser(torch::nn::Module& parent, const std::string& name, const Space& x,
                         std::int64_t width) {
    PF_CHECK(x.is_image(), "variational dequantisation", "pictures", "other items");
    torch::nn::Module& own = submodule(parent, name);
    norm_ = make_act_norm(own, "norm", x.event[0]);
    seen_ = Conv2d(own, "seen", x.event[0], width);
    const PictureShape shape{x.event[0], width, width, 2};
    std::vector<std::unique_ptr<Bijection>> links;
    for (int i = 0; i < 4; ++i)
        links.push_back(make_picture_coupling(own, text("transform_", i), shape, Mask::checkerboard,
                                              i % 2 == 1, make_affine()));
    links.push_back(std::make_unique<Inverted>(make_logit(0)));  // to (-1, 1)
    flow_ = std::make_unique<Chain>(std::move(links));
}

LevelNoise Dequantiser::draw(const Tensor& x, Rng rng) const {
    // a logistic would make u uniform; the nearest normal has this deviation (Bowling et al. 2009)
    constexpr double logistic = 1.702;
    const Tensor eps = rng.normal(x.sizes(), x.scalar_type(), x.device());
    const Tensor even = norm_->forward(x, {}).y.contiguous(at::MemoryFormat::ChannelsLast);
    const Tensor seen = at::relu(seen_(even));
    const Mapped v = flow_->forward(logistic * eps, seen);
    const auto d = static_cast<double>(x[0].numel());
    const Tensor normal =
        -0.5 * (eps.square().flatten(1).sum(1) + d * std::log(2 * std::numbers::pi)) -
        d * std::log(logistic);
    return {(v.y + 1) / 2, normal - v.log_det + d * std::log(2.0)};
}

}  // namespace pushforward
