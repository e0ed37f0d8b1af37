#pragma once

#include "pushforward/nn/layers.hpp"

#include <string>
#include <vector>

namespace pushforward {

/// Convolutions that give parameters of pixels, [B, inputs, H, W] -> [B, outputs, H, W]: 3 x 3,
/// then 1 x 1 for each further hidden layer, then 3 x 3 beginning at zero, with ReLU between
/// (Kingma & Dhariwal 2018, sec. 3.3). Each hidden layer adds a projection of the context: [B, H]
/// of the rows, [B, H, height, width] of their pixels, undefined: none.
class ConvConditioner {
public:
    struct Shape {
        std::int64_t inputs, outputs, context, width, layers;
    };

    ConvConditioner() = default;
    ConvConditioner(torch::nn::Module& parent, const std::string& name, const Shape& shape);
    Tensor operator()(const Tensor& x, const Tensor& context) const;

private:
    struct Layer {
        Conv2d conv;
        Linear projection;
    };
    std::vector<Layer> layers_;
};

}  // namespace pushforward
