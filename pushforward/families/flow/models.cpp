#include "pushforward/families/flow/models.hpp"

#include "pushforward/bijections/coupling.hpp"
#include "pushforward/bijections/elementwise.hpp"
#include "pushforward/bijections/linear.hpp"
#include "pushforward/families/flow/pictures.hpp"

namespace pushforward {
namespace {

/// Autoregressions in alternating order, normalised between; `inverted`: each the other way round.
FlowBuilder autoregressions(const NormedFlowOptions& o, bool inverted) {
    return [normed = o.act_norm, transforms = o.transforms, width = o.width, layers = o.layers,
            inverted](torch::nn::Module& own, const Space& x, std::int64_t context, Links& links) {
        const std::int64_t d = flattened(x, links);
        for (std::int64_t i = 0; i < transforms; ++i) {
            if (i > 0) links.push_back(make_reversal(d));
            auto map = make_autoregressive(own, numbered("transform", i),
                                           {d, context, width, layers}, make_affine());
            if (inverted) map = std::make_unique<Inverted>(std::move(map));
            links.push_back(std::move(map));
            if (normed) links.push_back(make_act_norm(own, numbered("norm", i), d));
        }
    };
}

}  // namespace

void NormedFlowOptions::visit(Fields& f) {
    FlowOptions::visit(f);
    f.flag("act_norm", act_norm,
           {.doc = "normalise what passes between the layers, from the data on"});
}

NiceOptions::NiceOptions() {
    base.select("logistic");
}

std::unique_ptr<Model> make_nice(const NiceOptions& options, const FlowSampling& sampling,
                                 const DataSpec& spec) {
    const auto build = [&](torch::nn::Module& own, const Space& x, std::int64_t context,
                           Links& links) {
        const std::int64_t d = flattened(x, links);
        for (std::int64_t i = 0; i < options.transforms; ++i)
            links.push_back(make_coupling(own, numbered("transform", i),
                                          {d, context, options.width, options.layers}, i % 2 == 1,
                                          make_additive()));
        links.push_back(make_scale(own, "scale", d));
    };
    return make_flow(options, sampling, spec, build);
}

void RealNvpOptions::visit(Fields& f) {
    NormedFlowOptions::visit(f);
    pictures.visit(f);
}

std::unique_ptr<Model> make_real_nvp(const RealNvpOptions& options, const FlowSampling& sampling,
                                     const DataSpec& spec) {
    if (spec.x.is_image()) return make_picture_real_nvp(options, sampling, spec);
    const auto build = [&](torch::nn::Module& own, const Space& x, std::int64_t context,
                           Links& links) {
        const std::int64_t d = flattened(x, links);
        for (std::int64_t i = 0; i < options.transforms; ++i) {
            links.push_back(make_coupling(own, numbered("transform", i),
                                          {d, context, options.width, options.layers}, i % 2 == 1,
                                          make_affine()));
            if (options.act_norm) links.push_back(make_act_norm(own, numbered("norm", i), d));
        }
    };
    return make_flow(options, sampling, spec, build);
}

std::unique_ptr<Model> make_maf(const MafOptions& options, const FlowSampling& sampling,
                                const DataSpec& spec) {
    return make_flow(options, sampling, spec, autoregressions(options, false));
}

std::unique_ptr<Model> make_iaf(const IafOptions& options, const FlowSampling& sampling,
                                const DataSpec& spec) {
    return make_flow(options, sampling, spec, autoregressions(options, true));
}

void SplineOptions::visit(Fields& f) {
    NormedFlowOptions::visit(f);
    f.flag("autoregressive", autoregressive,
           {.doc = "each number's spline sees all before it, and samples take a pass a number"});
    f.integer("bins", bins, {.doc = "bins of each spline", .low = 2, .high = 64});
    f.number("bound", bound,
             {.doc = "splines act on [-bound, bound], the identity outside",
              .low = 0,
              .open_low = true});
    visit_mixing(f, mixing);
    f.flag("asinh", asinh, {.doc = "a learnt asinh of each number first, for heavy tails"});
}

std::unique_ptr<Model> make_spline_flow(const SplineOptions& options, const FlowSampling& sampling,
                                        const DataSpec& spec) {
    const auto build = [&](torch::nn::Module& own, const Space& x, std::int64_t context,
                           Links& links) {
        const std::int64_t d = flattened(x, links);
        const LayerShape shape{d, context, options.width, options.layers};
        if (options.asinh) links.push_back(make_asinh(own, "asinh", d));
        for (std::int64_t i = 0; i < options.transforms; ++i) {
            const std::string mixing = numbered("mixing", i), name = numbered("transform", i);
            mix(options.mixing, own, mixing, d, links);
            if (options.act_norm) links.push_back(make_act_norm(own, numbered("norm", i), d));
            auto spline = make_spline(options.bins, options.bound);
            links.push_back(options.autoregressive
                                ? make_autoregressive(own, name, shape, std::move(spline))
                                : make_coupling(own, name, shape, i % 2 == 1, std::move(spline)));
        }
    };
    return make_flow(options, sampling, spec, build);
}

}  // namespace pushforward
