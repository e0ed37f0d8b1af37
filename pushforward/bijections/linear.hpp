#pragma once

#include "pushforward/bijections/bijection.hpp"

#include <string>

namespace torch::nn {
class Module;
}

namespace pushforward {

/// The numbers in the opposite order.
std::unique_ptr<Bijection> make_reversal(std::int64_t dimensions);
/// The numbers in an order that is drawn once and kept as the buffer `parent`.name.
std::unique_ptr<Bijection> make_permutation(torch::nn::Module& parent, const std::string& name,
                                            std::int64_t dimensions);
/// y = Q x of a vector, or of each pixel's channels, with Q orthogonal: drawn once, uniformly (by
/// Haar's measure: Mezzadri 2007), and kept as the buffer `parent`.name in float64, as
/// rounded it would not be orthogonal.
std::unique_ptr<Bijection> make_rotation(torch::nn::Module& parent, const std::string& name,
                                         std::int64_t dimensions);
/// y = W x of a vector, or of each pixel's channels ("invertible 1 x 1 convolution"), with
/// W = P L (U + diag(sign e^s)): P a fixed permutation, L unit lower and U strictly
/// upper triangular, so that log |det W| = sum s and W cannot become singular (Kingma & Dhariwal
/// 2018, eq. 10). Begins as a random rotation.
std::unique_ptr<Bijection> make_lu_linear(torch::nn::Module& parent, const std::string& name,
                                          std::int64_t dimensions);

}  // namespace pushforward
