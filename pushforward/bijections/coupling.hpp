#pragma once

#include "pushforward/bijections/transformer.hpp"

#include <string>

namespace torch::nn {
class Module;
}

namespace pushforward {

/// The perceptron inside of a layer.
struct LayerShape {
    std::int64_t dimensions, context, width, layers;
};

/// Every second number stays, beginning with the first (`odd`: the second) and is asked for the
/// parameters of the others' map (Dinh et al. 2014, sec. 3.2; 2016, eq. 4 and 5): the Jacobian is
/// triangular and the inverse costs what the map costs. The network hears what stays as the
/// transformer has it heard. A single number is mapped by what the context says alone.
std::unique_ptr<Bijection> make_coupling(torch::nn::Module& parent, const std::string& name,
                                         const LayerShape& shape, bool odd,
                                         std::unique_ptr<Transformer> transformer);

/// y_i = f(x_i; theta_i(x_0, ..., x_{i-1})) (Papamakarios et al. 2017): one pass forward, D for the
/// inverse. The other way round it is an inverse autoregressive flow (Kingma et al. 2016).
/// UsageError for a transformer whose networks hear other things than the numbers.
std::unique_ptr<Bijection> make_autoregressive(torch::nn::Module& parent, const std::string& name,
                                               const LayerShape& shape,
                                               std::unique_ptr<Transformer> transformer);

}  // namespace pushforward
