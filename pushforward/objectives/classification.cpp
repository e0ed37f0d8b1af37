#include "pushforward/objectives/classification.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/core/rowwise.hpp"
#include "pushforward/objectives/parts.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/where.h>

#include <cmath>

namespace pushforward {
namespace {

// The streams of a step's generator.
enum Stream : std::uint64_t { levels = 0, noise = 1, variation = 2 };

class Classification : public Objective {
public:
    explicit Classification(const ClassificationOptions& options) : options_(options) {
        PF_CHECK(options.noise_low < options.noise_high, "objective.noise_low",
                 text("less than noise_high, ", options.noise_high), options.noise_low);
    }

    std::string refusal(const Model& model, const Sources& sources) const override {
        if (!model.classifier()) return "classification needs a model that tells classes";
        if (!sources.data) return "classification learns from data, and there is none";
        if ((options_.shift > 0 || options_.flip) && !model.spec().x.is_image())
            return "shift and flip vary images, and these data are none";
        return "";
    }

    std::vector<Player> players(Model& model, const Sources&) const override {
        return one_player(model,
                          [&model, options = options_](const Batch& batch, const Step& step) {
                              return loss(*model.classifier(), options, batch, step);
                          });
    }

private:
    static Loss loss(const Classifier& model, const ClassificationOptions& options,
                     const Batch& batch, const Step& step) {
        const at::Device device = batch.x.device();
        Rng for_levels = step.rng.split(levels), for_noise = step.rng.split(noise),
            for_variation = step.rng.split(variation);
        const Tensor s = draw_noise_levels(options, batch.size(), for_levels).to(device);
        const Tensor eps = for_noise.normal(batch.x.sizes(), at::kFloat, device);
        const Tensor y =
            varied(batch.x, options.shift, options.flip, for_variation) + rowwise(s, eps) * eps;
        const std::string& name = model.label().name;
        const Tensor label = batch.c.value.at(name), log_p = model.log_probs(y, s);
        Tensor weight =
            batch.weight.defined() ? batch.weight : at::ones({batch.size()}, y.options());
        if (const auto given = batch.c.given.find(name); given != batch.c.given.end())
            weight = weight * given->second.to(weight.scalar_type());
        const auto mean = [&](const Tensor& each) {
            return (each * weight).sum() / weight.sum().clamp_min(1e-12);
        };
        return {mean(-log_p.gather(1, label.unsqueeze(1)).squeeze(1)),
                {{"accuracy", mean((log_p.argmax(1) == label).to(weight.scalar_type()))}}};
    }

    ClassificationOptions options_;
};

}  // namespace

void ClassificationOptions::visit(Fields& f) {
    f.number("noise", noise,
             {.doc = "share of the rows that noise is added to", .low = 0, .high = 1});
    f.number(
        "noise_low", noise_low,
        {.doc = "its least standard deviation", .unit = "model units", .low = 0, .open_low = true});
    f.number("noise_high", noise_high,
             {.doc = "its largest standard deviation; log-uniform in between",
              .unit = "model units",
              .low = 0,
              .open_low = true});
    f.integer("shift", shift,
              {.doc = "images are moved by up to so many pixels", .unit = "pixels", .low = 0});
    f.flag("flip", flip, {.doc = "half of the images are mirrored left to right"});
}

std::unique_ptr<Objective> make_classification(const ClassificationOptions& options) {
    return std::make_unique<Classification>(options);
}

Tensor draw_noise_levels(const ClassificationOptions& o, std::int64_t n, Rng& rng) {
    const Tensor noised = rng.uniform({n}, at::kDouble) < o.noise;
    const Tensor u = rng.uniform({n}, at::kDouble);
    const double low = std::log(o.noise_low), high = std::log(o.noise_high);
    return at::exp(low + (high - low) * u) * noised.to(at::kDouble);
}

Tensor varied(const Tensor& x, std::int64_t shift, bool flip, Rng& rng) {
    if (shift == 0 && !flip) return x;
    const std::int64_t rows = x.size(0), height = x.size(2), width = x.size(3);
    const auto moved = [&](std::int64_t size) {  // where each pixel comes from, [B, size]
        const Tensor by = rng.integers(-shift, shift + 1, {rows, 1}, x.device());
        return (at::arange(size, by.options()) + by).clamp(0, size - 1);
    };
    const Tensor from_row = moved(height);
    Tensor from_column = moved(width);
    if (flip)
        from_column = at::where(rng.uniform({rows, 1}, at::kFloat, x.device()) < 0.5,
                                width - 1 - from_column, from_column);
    return x.gather(2, from_row.view({rows, 1, height, 1}).expand_as(x))
        .gather(3, from_column.view({rows, 1, 1, width}).expand_as(x));
}

}  // namespace pushforward
