#pragma once

#include "pushforward/bijections/coupling.hpp"

#include <string>

namespace pushforward {

/// y = x + g(x), Lip(g) <= `lipschitz` < 1 in the Euclidean norm by the spectral norms of the
/// matrices of a perceptron with LipSwish (Behrmann et al. 2019; Chen et al. 2019). log |det (I +
/// J_g)| from the Jacobian, or with noise by Hutchinson's probe and Russian roulette on
/// sum_k (-1)^(k+1) tr(J_g^k) / k, a number of terms a row: unbiased, of finite variance. The
/// inverse iterates x <- y - g(x) in float64 until a row's step is below 1e-14 (float32: 1e-9) of
/// 1 + max |x|; it is once differentiable, by the implicit function theorem.
std::unique_ptr<Bijection> make_residual(torch::nn::Module& parent, const std::string& name,
                                         const LayerShape& shape, double lipschitz);

}  // namespace pushforward
