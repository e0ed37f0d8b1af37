#include "pushforward/nn/sequence_network.hpp"

#include <torch/nn/module.h>

namespace pushforward {

SequenceNetwork::SequenceNetwork() : module_(std::make_shared<torch::nn::Module>("network")) {}

}  // namespace pushforward
