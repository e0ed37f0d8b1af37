#pragma once

#include "pushforward/nn/layers.hpp"

#include <string>
#include <vector>

namespace pushforward {

/// x, which beyond 8 to either side grows as its logarithm does. A rectified network grows without
/// bound, and what it would say far from all data presses maps together until rounding loses the
/// point; this way it still hears how far that is.
Tensor slow_beyond_data(const Tensor& x);

/// Which outputs may see which inputs.
enum class Sight {
    all,    ///< every output every input
    before  ///< outputs of number i the inputs 0..i-1 alone (MADE: Germain et al. 2015)
};

/// A perceptron with ReLU that gives the parameters of numbers: [B, inputs] and a context [B, H]
/// (undefined: none) -> [B, numbers, each]. It hears `slow_beyond_data(x)`. Each hidden layer adds
/// a projection of the context. The last layer begins at zero.
class Conditioner {
public:
    struct Shape {
        std::int64_t inputs, numbers, each, context, width, layers;
    };

    Conditioner() = default;
    Conditioner(torch::nn::Module& parent, const std::string& name, const Shape& shape,
                Sight sight);
    Tensor operator()(const Tensor& x, const Tensor& context) const;

private:
    struct Layer {
        Linear linear, projection;
        Tensor mask;  ///< [out, in] float32; undefined: all
    };

    Shape shape_{};
    std::vector<Layer> layers_;
};

}  // namespace pushforward
