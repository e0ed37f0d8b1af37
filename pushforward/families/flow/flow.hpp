#pragma once

#include "pushforward/base/fields.hpp"
#include "pushforward/bijections/bijection.hpp"
#include "pushforward/core/model.hpp"
#include "pushforward/distributions/base_distribution.hpp"

#include <functional>
#include <memory>
#include <vector>

namespace pushforward {

/// What every flow on vectors has.
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

/// Appends the bijections of a flow from data to base to `links`; parameters go to `module`.
/// `dimensions` numbers an item, `context` what a condition is told in (0: none).
using FlowBuilder =
    std::function<void(torch::nn::Module& module, std::int64_t dimensions, std::int64_t context,
                       std::vector<std::unique_ptr<Bijection>>& links)>;

/// The one model behind nice, real_nvp, maf, iaf and spline:
///   log p(x | c) = log p_base(f(x; c)) + log |det df/dx|, exact; a sample is f^-1(z; c), z ~ base,
/// and comes with its log-density. Items are flattened. Latents are the base's numbers, made normal
/// where the base can. `allows` float32 and float64.
std::unique_ptr<Model> make_flow(const FlowOptions& options, const FlowSampling& sampling,
                                 const DataSpec& spec, const FlowBuilder& build);

}  // namespace pushforward
