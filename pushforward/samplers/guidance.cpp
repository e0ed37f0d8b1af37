#include "pushforward/samplers/guidance.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/core/rowwise.hpp"
#include "pushforward/samplers/time_grid.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/where.h>
#include <torch/csrc/autograd/autograd.h>

#include <utility>

namespace pushforward {
namespace {

/// The condition's rows, then as many rows with nothing given.
Condition with_and_without(const Condition& c) {
    const Condition none = c.none();
    Condition both;
    for (const auto& [name, value] : c.value) {
        const auto given = c.given.find(name);
        const Tensor& hidden = none.given.at(name);
        both.value[name] = at::cat({value, value});
        both.given[name] = at::cat(
            {given == c.given.end() ? at::ones(hidden.sizes(), hidden.options()) : given->second,
             hidden});
    }
    return both;
}

/// gamma of each row, float64 [B]: 1 outside of the interval.
Tensor strengths(const Path& path, const Guidance& g, const Tensor& t) {
    const Tensor gamma = at::full(t.sizes(), g.gamma, t.options().dtype(at::kDouble));
    const double unlimited = Guidance{}.high;
    if (g.low == 0 && g.high >= unlimited) return gamma;
    const Level level = path.at(t.to(at::kDouble));
    const Tensor s = (level.sigma / level.alpha).clamp_max(unlimited);  // alpha may be 0
    return at::where((s > g.low).logical_and(s <= g.high), gamma, 1.);
}

bool all_are(const Tensor& gamma, double value) {
    return (gamma == value).all().item<bool>();
}

/// grad_y sum log p(label | y, s) over the rows whose label is given.
Tensor log_prob_slope(const Classifier& classifier, const Condition& c, const Tensor& y,
                      const Tensor& s) {
    const at::AutoGradMode with_grad(true);
    const Tensor at = y.detach().requires_grad_(true);
    const std::string& name = classifier.label().name;
    Tensor log_p = classifier.log_probs(at, s.expand({y.size(0)}))
                       .gather(1, c.value.at(name).unsqueeze(1))
                       .squeeze(1);
    if (const auto given = c.given.find(name); given != c.given.end())
        log_p = log_p * given->second.to(log_p.scalar_type());
    return torch::autograd::grad({log_p.sum()}, {at})[0];
}

Denoise classifier_guided(const Denoiser& model, const Condition& c, const Guidance& g,
                          std::int64_t* evaluations) {
    const Classifier& classifier = *g.guide->classifier();
    const std::string& name = classifier.label().name;
    Condition rest = c;
    rest.given[name] = c.none().given.at(name);
    return [&model, &classifier, c, rest, g, evaluations](const Tensor& x,
                                                          const Tensor& t) -> Denoised {
        const Tensor gamma = strengths(model.path(), g, t);
        const bool once = all_are(gamma, 0);
        if (evaluations) *evaluations += once ? 1 : 2;
        const Denoised x0 = model.predict_x0(x, t, rest);
        if (once) return x0;
        const Level level = model.path().at(t.to(at::kDouble));
        const Tensor clear = level.alpha > 0, alpha = at::where(clear, level.alpha, 1.);
        const Tensor s = level.sigma / alpha;
        const Tensor slope = log_prob_slope(classifier, c, x / rowwise(alpha, x), s);
        return x0 + rowwise(at::where(clear, gamma * s * s, 0.), x) * slope;
    };
}

}  // namespace

Denoise guided(const Denoiser& model, const Condition& c, const Guidance& g,
               std::int64_t* evaluations) {
    if (g.guide && g.guide->classifier()) return classifier_guided(model, c, g, evaluations);
    const Denoiser& other = g.guide ? *g.guide->denoiser() : model;
    const bool alone = !g.guide && c.empty();  // nothing to be guided by
    const Condition weak = g.guide ? c : c.none(), both = g.guide ? c : with_and_without(c);
    return [&model, &other, c, weak, both, alone, g, evaluations](const Tensor& x,
                                                                  const Tensor& t) -> Denoised {
        const Tensor gamma = strengths(model.path(), g, t);
        const bool strong_only = alone || all_are(gamma, 1), weak_only = all_are(gamma, 0);
        if (evaluations) *evaluations += strong_only || weak_only ? 1 : 2;
        if (strong_only) return model.predict_x0(x, t, c);
        if (weak_only) return other.predict_x0(x, t, weak);
        const auto two = [&]() -> std::vector<Tensor> {
            if (g.guide) return {model.predict_x0(x, t, c), other.predict_x0(x, t, weak)};
            const Tensor times = t.size(0) == 1 ? t : at::cat({t, t});
            return model.predict_x0(at::cat({x, x}), times, both).x0.chunk(2);
        }();
        return rowwise(gamma, x) * two[0] + rowwise(1 - gamma, x) * two[1];
    };
}

DataSpec guided_spec(const DataSpec& spec, const Model* guide) {
    DataSpec all = spec;
    if (guide && guide->classifier())
        if (const Field& label = guide->classifier()->label(); !all.condition(label.name))
            all.conditions.push_back(label);
    return all;
}

void check_guide(const Denoiser& model, const DataSpec& spec, const Model& guide,
                 const Condition& c) {
    PF_CHECK(guide.spec().x == spec.x, "guide", text("items of ", at::IntArrayRef(spec.x.event)),
             text("a guide of ", at::IntArrayRef(guide.spec().x.event)));
    for (const Field& field : spec.conditions)
        if (const Field* other = guide.spec().condition(field.name); other && !(*other == field))
            throw UsageError("guide: its '" + field.name + "' is not the model's");
    if (const Classifier* classifier = guide.classifier()) {
        const std::string& name = classifier->label().name;
        if (!c.value.count(name))
            throw UsageError("guide: a classifier guides to a class, and none is asked for (" +
                             name + "=...)");
    } else if (guide.denoiser()) {
        if (!same_path(model.path(), guide.denoiser()->path()))
            throw UsageError("guide: it denoises along another path than the model");
    } else {
        throw UsageError("guide: it neither tells classes nor denoises");
    }
}

Denoise clipped(Denoise denoise, double bound) {
    return [denoise = std::move(denoise), bound](const Tensor& x, const Tensor& t) -> Denoised {
        const Denoised item = denoise(x, t);
        return {item.x0.clamp(-bound, bound), item.variance};
    };
}

}  // namespace pushforward
