#pragma once

#include "pushforward/families/flow/flow.hpp"

namespace pushforward {

/// A density of D angles in radians, 2 pi periodic in each: couplings of circular splines whose
/// halves take turns, from the uniform law on [-pi, pi)^D (Rezende et al. 2020). Angles outside are
/// wrapped; samples lie inside. Data must come in their own units (`data.scale` = false). There are
/// no normal latents: the torus is no R^D. UsageError for a `temperature` other than 1.
struct CircularSplineOptions : FlowOptions {
    std::int64_t bins = 8;

    CircularSplineOptions();
    void visit(Fields& f) override;
};
std::unique_ptr<Model> make_circular_spline_flow(const CircularSplineOptions& options,
                                                 const FlowSampling& sampling,
                                                 const DataSpec& spec);

}  // namespace pushforward
