#include "pushforward/families/flow/models.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/bijections/batch_norm.hpp"
#include "pushforward/bijections/coupling.hpp"
#include "pushforward/bijections/elementwise.hpp"
#include "pushforward/bijections/linear.hpp"
#include "pushforward/families/flow/pictures.hpp"

namespace pushforward {
namespace {

/// What normalises after layer i: batch_norm, else act_norm, else nothing.
void normalise(const NormedFlowOptions& o, bool batch_norm, torch::nn::Module& own, std::int64_t i,
               std::int64_t d, Links& links) {
    if (batch_norm)
        links.push_back(make_batch_norm(own, numbered("norm", i), d));
    else if (o.act_norm)
        links.push_back(make_act_norm(own, numbered("norm", i), d));
}

void visit_batch_norm(Fields& f, bool& batch_norm) {
    f.flag("batch_norm", batch_norm,
           {.doc = "in place of act_norm: by each batch's mean and deviation while it trains, and "
                   "by their running averages afterwards"});
}

/// Autoregressions with mixing between, normalised; `inverted`: each the other way round.
FlowBuilder autoregressions(const AutoregressiveFlowOptions& o, bool batch_norm, bool inverted) {
    return [&o, batch_norm, inverted](torch::nn::Module& own, const Space& x, std::int64_t context,
                                      Links& links) {
        const std::int64_t d = flattened(x, links);
        for (std::int64_t i = 0; i < o.transforms; ++i) {
            if (i > 0) mix(o.mixing, own, numbered("mixing", i), d, links);
            auto map = make_autoregressive(own, numbered("transform", i),
                                           {d, context, o.width, o.layers}, make_affine());
            if (inverted) map = std::make_unique<Inverted>(std::move(map));
            links.push_back(std::move(map));
            normalise(o, batch_norm, own, i, d, links);
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
    visit_batch_norm(f, batch_norm);
    pictures.visit(f);
}

std::unique_ptr<Model> make_real_nvp(const RealNvpOptions& options, const FlowSampling& sampling,
                                     const DataSpec& spec) {
    if (spec.x.is_image()) {
        PF_CHECK(!options.batch_norm, "model.batch_norm", "false for pictures", "true");
        return make_picture_real_nvp(options, sampling, spec);
    }
    const auto build = [&](torch::nn::Module& own, const Space& x, std::int64_t context,
                           Links& links) {
        const std::int64_t d = flattened(x, links);
        for (std::int64_t i = 0; i < options.transforms; ++i) {
            links.push_back(make_coupling(own, numbered("transform", i),
                                          {d, context, options.width, options.layers}, i % 2 == 1,
                                          make_affine()));
            normalise(options, options.batch_norm, own, i, d, links);
        }
    };
    return make_flow(options, sampling, spec, build);
}

void AutoregressiveFlowOptions::visit(Fields& f) {
    NormedFlowOptions::visit(f);
    visit_mixing(f, mixing);
}

void MafOptions::visit(Fields& f) {
    AutoregressiveFlowOptions::visit(f);
    visit_batch_norm(f, batch_norm);
}

std::unique_ptr<Model> make_maf(const MafOptions& options, const FlowSampling& sampling,
                                const DataSpec& spec) {
    return make_flow(options, sampling, spec, autoregressions(options, options.batch_norm, false));
}

std::unique_ptr<Model> make_iaf(const IafOptions& options, const FlowSampling& sampling,
                                const DataSpec& spec) {
    return make_flow(options, sampling, spec, autoregressions(options, false, true));
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
