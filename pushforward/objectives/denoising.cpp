#include "pushforward/objectives/denoising.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/add.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/special_ndtri.h>
#include <ATen/ops/tensor.h>
#include <torch/nn/module.h>

#include <utility>
#include <vector>

namespace pushforward {
namespace {

// The streams of a step's generator.
enum Stream : std::uint64_t { times = 0, noise = 1, conditions = 2 };

class Denoising : public Objective {
public:
    explicit Denoising(const DenoisingOptions& options) : options_(options) {}

    std::string refusal(const Model& model, const Sources& sources) const override {
        if (!model.denoiser()) return "denoising needs a model that denoises (family diffusion)";
        if (!sources.data) return "denoising learns from data, and there is none";
        return "";
    }

    std::vector<Player> players(Model& model, const Sources&) const override {
        Player player;
        player.name = "model";
        ParameterGroup& group = player.groups.emplace_back();
        for (const auto& p : model.module().named_parameters())
            group.parameters.emplace_back(p.key(), p.value());
        player.loss = [&model, options = options_](const Batch& batch, const Step& step) {
            return loss(*model.denoiser(), options, batch, step);
        };
        return {player};
    }

private:
    static Loss loss(const Denoiser& model, const DenoisingOptions& options, const Batch& batch,
                     const Step& step) {
        const std::int64_t rows = batch.size();
        Rng for_times = step.rng.split(times), for_noise = step.rng.split(noise),
            for_conditions = step.rng.split(conditions);
        const Tensor t = draw_times(model.path(), options, rows, for_times).to(batch.x.device());
        const Tensor eps = for_noise.normal(batch.x.sizes(), at::kFloat, batch.x.device());
        const Condition c = hide_rows(batch.c, rows, options.condition_dropout, for_conditions);
        const Tensor errors = denoising_errors(model, batch.x, eps, t, c);
        if (!batch.weight.defined()) return {errors.mean()};
        return {(errors * batch.weight).sum() / batch.weight.sum()};
    }

    DenoisingOptions options_;
};

}  // namespace

void DenoisingOptions::visit(Fields& f) {
    f.choice(
        "times", times, {"model", "uniform", "logit_normal"},
        {.doc = "training times: as in the model's paper, uniform, or the sigmoid of a normal"});
    f.number("location", location, {.doc = "mean of the normal of `logit_normal`"});
    f.number("scale", scale, {.doc = "its standard deviation", .low = 0, .open_low = true});
    f.flag("stratified", stratified, {.doc = "spread the times of a batch evenly"});
    f.number("condition_dropout", condition_dropout,
             {.doc = "how often a row's condition is hidden, for guidance", .low = 0, .high = 1});
}

Tensor draw_times(const Path& path, const DenoisingOptions& options, std::int64_t n, Rng& rng) {
    Tensor u = rng.uniform({n}, at::kDouble);
    if (options.stratified) {
        const auto stratum = rng.permutation(n);
        u = (u + at::tensor(stratum, at::kLong)) / n;
    }
    if (options.times == "model") return path.training_time(u);
    if (options.times == "logit_normal")  // Esser et al. 2024, eq. 19
        u = at::sigmoid(options.location + options.scale * at::special_ndtri(u));
    if (path.steps() > 0)
        return ((u * path.steps()).floor() + 1).clamp_max(path.steps()) / path.steps();
    return path.t_min() + (path.t_max() - path.t_min()) * u;
}

Tensor denoising_errors(const Denoiser& model, const Tensor& x0, const Tensor& eps, const Tensor& t,
                        const Condition& c) {
    const Tensor r = model.residual(x0, eps, t, c);
    return r.square().flatten(1).mean(1);
}

Condition hide_rows(const Condition& c, std::int64_t rows, double p, Rng& rng) {
    if (p == 0 || c.empty()) return c;
    Condition hidden = c;
    for (const auto& [name, value] : c.value) {
        const Tensor kept = rng.uniform({rows}, at::kFloat, value.device()) >= p;
        const auto given = c.given.find(name);
        hidden.given[name] = given == c.given.end() ? kept : at::logical_and(given->second, kept);
    }
    return hidden;
}

std::unique_ptr<Objective> make_denoising(const DenoisingOptions& options) {
    return std::make_unique<Denoising>(options);
}

}  // namespace pushforward
