#pragma once

#include "pushforward/bijections/bijection.hpp"

#include <string>

namespace torch::nn {
class Module;
}

namespace pushforward {

// Maps of few parameters, made for posteriors: a context [B, H] adds a projection of itself to the
// parameters, so that each row has a map of its own. `context` 0: the same map for all rows. An
// inverse that is not in closed form solves z + p tanh(q z + c) = t in float64, by Newton's method
// that bisects where a step leaves the bracket or does not halve, until the two sides differ by
// less than 4 eps (|t| + |p|); it is once differentiable, by the implicit function theorem.

/// y = x + u tanh(w.x + b), w.u > -1 by u = u' + (m(w.u') - w.u') w / |w|^2 (Rezende & Mohamed
/// 2015, A.1) with m(a) = log(1 + (e - 1) e^a) - 1, theirs moved such that m(0) = 0:
/// u' = 0 is the identity. The inverse solves for w.x.
std::unique_ptr<Bijection> make_planar(torch::nn::Module& parent, const std::string& name,
                                       std::int64_t dimensions, std::int64_t context);

/// y = x + beta (x - c) / (alpha + |x - c|), alpha > 0, beta > -alpha (ibid., eq. 14 and A.2).
/// The inverse is the root of a quadratic.
std::unique_ptr<Bijection> make_radial(torch::nn::Module& parent, const std::string& name,
                                       std::int64_t dimensions, std::int64_t context);

/// y = x + Q R tanh(S Q^T x + b): Q the first `rank` columns of a product of as many Householder
/// reflections, R and S upper triangular with R_ii S_ii > -1 by the planar map's m (van den Berg et
/// al. 2018). The inverse solves number by number, from the last.
std::unique_ptr<Bijection> make_sylvester(torch::nn::Module& parent, const std::string& name,
                                          std::int64_t dimensions, std::int64_t context,
                                          std::int64_t rank);

}  // namespace pushforward
