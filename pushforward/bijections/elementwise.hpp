#pragma once

#include "pushforward/bijections/bijection.hpp"

#include <string>

namespace torch::nn {
class Module;
}

namespace pushforward {

// Maps of each of D numbers on its own; parameters belong to `parent`.name.

/// y = e^s (x + b), s and b learnt for each column of a vector or channel of a picture: "actnorm"
/// (Kingma & Dhariwal 2018, sec. 3.1). Begins such that the data that arrive have mean 0 and
/// deviation 1; a constant column is only shifted.
std::unique_ptr<Bijection> make_act_norm(torch::nn::Module& parent, const std::string& name,
                                         std::int64_t channels);
/// y = e^s x, s learnt: NICE's last layer (Dinh et al. 2014, sec. 3.3).
std::unique_ptr<Bijection> make_scale(torch::nn::Module& parent, const std::string& name,
                                      std::int64_t dimensions);
/// y = asinh(e^s x + b), s and b learnt: tails as heavy as sinh of a normal become light ones. The
/// location of data that arrive begins at their median and the scale at their quartiles.
std::unique_ptr<Bijection> make_asinh(torch::nn::Module& parent, const std::string& name,
                                      std::int64_t dimensions);

}  // namespace pushforward
