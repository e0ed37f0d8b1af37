#pragma once

#include "pushforward/families/flow/flow.hpp"

namespace pushforward {

/// Additive couplings that leave volumes as they are, then one scale a number; a logistic base
/// (Dinh, Krueger & Bengio 2014).
struct NiceOptions : FlowOptions {
    NiceOptions();
};
std::unique_ptr<Model> make_nice(const NiceOptions& options, const FlowSampling& sampling,
                                 const DataSpec& spec);

/// Flows that may normalise what passes between their layers, beginning from the data (Kingma &
/// Dhariwal 2018).
struct NormedFlowOptions : FlowOptions {
    bool act_norm = true;

    void visit(Fields& f) override;
};

/// Affine couplings with normalised activations between them (Dinh, Sohl-Dickstein & Bengio 2016;
/// on vectors, with the halves in turn).
struct RealNvpOptions : NormedFlowOptions {};
std::unique_ptr<Model> make_real_nvp(const RealNvpOptions& options, const FlowSampling& sampling,
                                     const DataSpec& spec);

/// Affine masked autoregressions in alternating order, normalised in between: a density in one pass
/// and samples in D (Papamakarios, Pavlakou & Murray 2017).
struct MafOptions : NormedFlowOptions {};
std::unique_ptr<Model> make_maf(const MafOptions& options, const FlowSampling& sampling,
                                const DataSpec& spec);

/// The same maps the other way round: samples in one pass and a density in D (Kingma et al. 2016).
struct IafOptions : NormedFlowOptions {};
std::unique_ptr<Model> make_iaf(const IafOptions& options, const FlowSampling& sampling,
                                const DataSpec& spec);

/// Where the numbers are mixed between the layers of `spline`.
enum class Mixing { none, reversal, permutation, lu };

/// Rational-quadratic splines in couplings or autoregressions, with linear maps between them
/// (Durkan et al. 2019); `asinh` puts a learnt asinh before them, for tails that are heavier than
/// normal.
struct SplineOptions : NormedFlowOptions {
    bool autoregressive = false, asinh = false;
    std::int64_t bins = 8;
    double bound = 5;
    Mixing mixing = Mixing::lu;

    void visit(Fields& f) override;
};
std::unique_ptr<Model> make_spline_flow(const SplineOptions& options, const FlowSampling& sampling,
                                        const DataSpec& spec);

}  // namespace pushforward
