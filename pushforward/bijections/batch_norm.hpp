#pragma once

#include "pushforward/bijections/bijection.hpp"

#include <string>

namespace torch::nn {
class Module;
}

namespace pushforward {

/// y = e^s (x - m) / sqrt(v + 1e-5) + b of each number of a vector, s and b learnt, with
/// log |det| = sum s - log(v + 1e-5) / 2 (Dinh et al. 2016; Papamakarios et al. 2017). A forward
/// call that learns (its module trains and gradients are on) takes m and v of the batch, gradients
/// through both, and moves their running averages, buffers, a tenth of the way; it needs two rows.
/// Every other call and the inverse use the averages, which `initialise` takes from the data: then
/// rows are independent. A batch's own log-density is the flow's with m and v held to be constants.
/// The averages are those of the raw weights, where a training averages these.
std::unique_ptr<Bijection> make_batch_norm(torch::nn::Module& parent, const std::string& name,
                                           std::int64_t dimensions);

}  // namespace pushforward
