#pragma once

#include "pushforward/base/fields.hpp"
#include "pushforward/bijections/bijection.hpp"
#include "pushforward/core/model.hpp"
#include "pushforward/distributions/base_distribution.hpp"

#include <functional>
#include <memory>
#include <vector>

namespace pushforward {

/// What every flow has.
struct FlowOptions : Options {
    std::int64_t transforms = 6;
    std::int64_t width = 128;
    std::int64_t layers = 2;
    Variant base = base_distributions();

    void visit(Fields& f) override;
};
struct FlowSampling : Options {
    double temperature = 1;

    void visit(Fields& f) override;
};

/// How pictures of 256 levels become reals: with uniform noise, or with noise that a second flow
/// draws for the picture at hand.
enum class Dequantisation { uniform, variational };

/// Appends the bijections of a flow from data to base to `links`; parameters go to `module`. The
/// first sees items of `x`, the last gives vectors [B, D]. `context` numbers tell of a condition
/// (0: none).
using FlowBuilder =
    std::function<void(torch::nn::Module& module, const Space& x, std::int64_t context,
                       std::vector<std::unique_ptr<Bijection>>& links)>;

/// The one model behind nice, real_nvp, glow, maf, iaf and spline:
///   log p(x | c) = log p_base(f(x; c)) + log |det df/dx|, exact; a sample is f^-1(z; c), z ~ base,
/// and comes with its log-density. Latents are the base's numbers, made normal where the base can.
/// Computes in float32 and float64. Variational dequantisation adds the estimator "variational", a
/// lower bound on the mass of a picture of levels: E_q[log p(x + u) - log q(u | x)] (Ho et al.
/// 2019); it takes the picture as it is.
std::unique_ptr<Model> make_flow(const FlowOptions& options, const FlowSampling& sampling,
                                 const DataSpec& spec, const FlowBuilder& build,
                                 Dequantisation dequantisation = Dequantisation::uniform);

}  // namespace pushforward
