#pragma once

#include "pushforward/nn/layers.hpp"

#include <string>
#include <vector>

namespace pushforward {

/// A perceptron R^D -> R^D with smooth activations. Its Jacobian in x is a product of its matrices
/// and its activations' slopes, made as such: no autograd pass a dimension, and differentiable as
/// the value is. Each hidden layer adds a projection of the context and, where it is timed, of t.
/// The last layer begins at zero.
class SmoothMlp {
public:
    enum class Activation {
        tanh,
        lip_swish  ///< z sigmoid(beta z) / 1.1, beta learnt: slopes in (-1, 1) (Chen et al. 2019)
    };
    struct Shape {
        std::int64_t dimensions, context, width, layers;
        bool timed = false;
        double lipschitz = 0;  ///< bounds the spectral norms' product; 0: no bound
    };

    /// The value at x, [B, D], and the slopes of each hidden layer's activations, [B, width].
    struct Local {
        Tensor y;
        std::vector<Tensor> slopes;
    };

    /// The network for one context: weights cast, bounded and projected once for many calls.
    class Prepared {
    public:
        /// x [B, D], t [B] or [1] where it is timed -> [B, D].
        Tensor value(const Tensor& x, const Tensor& t = {}) const;
        Local at(const Tensor& x, const Tensor& t = {}) const;
        /// J v, [B, D], of the rows whose slopes are given.
        Tensor along(const std::vector<Tensor>& slopes, const Tensor& v) const;
        /// J [B, D, D], and its trace [B]; with up to two hidden layers that costs what a value
        /// costs, otherwise D of them.
        Tensor jacobian(const std::vector<Tensor>& slopes) const;
        Tensor trace(const std::vector<Tensor>& slopes) const;

    private:
        friend class SmoothMlp;
        struct Layer {
            Tensor weight, shift, time, beta;  ///< shift [out] or [B, out]
        };
        Tensor run(Tensor h, const Tensor& t, std::vector<Tensor>* slopes) const;
        std::vector<Layer> layers_;
    };

    SmoothMlp() = default;
    SmoothMlp(torch::nn::Module& parent, const std::string& name, const Shape& shape,
              Activation activation);
    Prepared in(at::ScalarType dtype, const Tensor& context) const;

private:
    struct Layer {
        Linear linear, projection;
        Weight time, beta;
    };
    Shape shape_{};
    std::vector<Layer> layers_;
};

}  // namespace pushforward
