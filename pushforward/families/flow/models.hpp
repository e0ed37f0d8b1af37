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

/// How numbers, or the channels of pictures, are mixed between layers.
enum class Mixing { none, reversal, permutation, rotation, lu };

/// What flows on pictures have beside.
struct PictureFlow {
    std::int64_t levels = 2;
    double logit = 0;
    Dequantisation dequantisation = Dequantisation::uniform;

    void visit(Fields& f);
};

/// Affine couplings with normalised activations between them (Dinh, Sohl-Dickstein & Bengio 2016).
/// On vectors the halves take turns. On pictures each level has `transforms` couplings with
/// checkerboards, squeezes, has as many on halves of channels, and lets half of the numbers go; the
/// last has `transforms` + 1 with checkerboards. UsageError for sides that `levels` - 1 halvings do
/// not divide, and for pictures with `batch_norm`, which normalises vectors by their batch.
struct RealNvpOptions : NormedFlowOptions {
    bool batch_norm = false;
    PictureFlow pictures;

    void visit(Fields& f) override;
};
std::unique_ptr<Model> make_real_nvp(const RealNvpOptions& options, const FlowSampling& sampling,
                                     const DataSpec& spec);

/// Pictures alone: each level squeezes and has `transforms` steps of actnorm, an invertible 1 x 1
/// convolution and an affine coupling of channels; half of the numbers go, normal with a mean and a
/// deviation that the others tell (Kingma & Dhariwal 2018). UsageError for other items and for
/// sides that `levels` halvings do not divide.
struct GlowOptions : FlowOptions {
    PictureFlow pictures;
    Mixing mixing = Mixing::lu;

    GlowOptions();
    void visit(Fields& f) override;
};
std::unique_ptr<Model> make_glow(const GlowOptions& options, const FlowSampling& sampling,
                                 const DataSpec& spec);

/// Flows of autoregressions: how the numbers are mixed between them.
struct AutoregressiveFlowOptions : NormedFlowOptions {
    Mixing mixing = Mixing::reversal;

    void visit(Fields& f) override;
};

/// Affine masked autoregressions in alternating order, normalised in between: a density in one pass
/// and samples in D (Papamakarios, Pavlakou & Murray 2017).
struct MafOptions : AutoregressiveFlowOptions {
    bool batch_norm = false;

    void visit(Fields& f) override;
};
std::unique_ptr<Model> make_maf(const MafOptions& options, const FlowSampling& sampling,
                                const DataSpec& spec);

/// The same maps the other way round: samples in one pass and a density in D (Kingma et al. 2016).
struct IafOptions : AutoregressiveFlowOptions {};
std::unique_ptr<Model> make_iaf(const IafOptions& options, const FlowSampling& sampling,
                                const DataSpec& spec);

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
