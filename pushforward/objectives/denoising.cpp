#include "pushforward/objectives/denoising.hpp"

#include "pushforward/core/rowwise.hpp"
#include "pushforward/math/assignment.hpp"
#include "pushforward/objectives/parts.hpp"
#include "pushforward/objectives/reference.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/tensor.h>

#include <utility>
#include <vector>

namespace pushforward {
namespace {

// The streams of a step's generator.
enum Stream : std::uint64_t { times = 0, noise = 1, conditions = 2, decoding = 3, references = 4 };

/// Of the variance's log-likelihood beside the mean's error.
constexpr double variance_weight = 0.05;

Tensor mean_square(const Tensor& residual) {
    return residual.square().flatten(1).mean(1);
}

/// The noise in the order of least squared distance to the items.
Tensor paired(const Tensor& x, const Tensor& eps) {
    const at::NoGradGuard no_grad;
    const auto order = assignment(squared_distances(x, eps));
    return eps.index_select(0, at::tensor(order, at::kLong).to(eps.device()));
}

/// What a teacher makes of the noise.
Tensor decoded(const Latent& teacher, const Tensor& eps, const Condition& c, Rng rng) {
    const at::NoGradGuard no_grad;
    return teacher.decode(eps, c, rng).to(eps.scalar_type());
}

class Denoising : public Objective {
public:
    explicit Denoising(const DenoisingOptions& options) : options_(options) {}

    std::string refusal(const Model& model, const Sources& sources) const override {
        if (!model.denoiser()) return "denoising needs a model that denoises (family diffusion)";
        if (!sources.data) return "denoising learns from data, and there is none";
        if (options_.reference > 0) {
            if (options_.pairing != Pairing::independent)
                return "objective.reference needs objective.pairing \"independent\"";
            return refuse_reference(sources, model.spec().conditions);
        }
        if (options_.pairing != Pairing::teacher) return "";
        if (options_.teacher.empty())
            return "objective.pairing \"teacher\" needs objective.teacher, a run folder";
        if (!sources.teacher || !sources.teacher->latent())
            return "objective.teacher: " + options_.teacher + " has no latent space to decode";
        return "";
    }

    std::string teacher() const override {
        return options_.pairing == Pairing::teacher ? options_.teacher : "";
    }

    std::vector<Player> players(Model& model, const Sources& sources) const override {
        std::shared_ptr<const Reference> reference;
        if (options_.reference > 0)
            reference =
                std::make_shared<Reference>(sources, options_.reference, model.spec().conditions);
        return one_player(model, [&model, options = options_, teacher = sources.teacher, reference](
                                     const Batch& batch, const Step& step) {
            return loss(*model.denoiser(), options, teacher, reference.get(), batch, step);
        });
    }

private:
    static Loss loss(const Denoiser& model, const DenoisingOptions& options, const Model* teacher,
                     const Reference* reference, const Batch& batch, const Step& step) {
        const std::int64_t rows = batch.size();
        Rng for_times = step.rng.split(times), for_noise = step.rng.split(noise),
            for_conditions = step.rng.split(conditions);
        const Tensor t = draw_times(model.path(), options, rows, for_times).to(batch.x.device());
        Tensor eps = for_noise.normal(batch.x.sizes(), at::kFloat, batch.x.device());
        if (options.pairing == Pairing::optimal_transport) eps = paired(batch.x, eps);
        const Condition c = hide_rows(batch.c, rows, options.condition_dropout, for_conditions);
        const Tensor x0 = options.pairing == Pairing::teacher
                              ? decoded(*teacher->latent(), eps, batch.c, step.rng.split(decoding))
                              : batch.x;
        Tensor target = x0, noise_of_target = eps;
        if (reference) {  // the target and the noise that lead to the same x_t
            const Level level = model.path().at(t);
            const Tensor ratio = level.alpha / level.sigma;
            target = reference->mean(batch, eps, ratio, c, step.rng.split(references));
            noise_of_target = eps + rowwise(ratio, x0) * (x0 - target);
        }
        const Residual residual = model.residual(target, noise_of_target, t, c);
        Tensor errors = mean_square(residual);
        if (options.weighting != Weighting::model)
            errors = errors * (weight_of(options.weighting, model.path(), t) *
                               model.residual_scale(t).square())
                                  .to(errors.scalar_type());
        if (residual.log_square.defined()) {
            const Tensor own =
                residual.value.detach() + rowwise(1 / model.residual_scale(t), x0) * (target - x0);
            const Tensor surprise =
                own.square() * (-residual.log_square).exp() + residual.log_square;
            errors = errors + variance_weight * surprise.flatten(1).mean(1);
        }
        return {mean_over(batch, errors)};
    }

    DenoisingOptions options_;
};

}  // namespace

void DenoisingOptions::visit(Fields& f) {
    TimeOptions::visit(f);
    f.choice_of("weighting", weighting,
                {{"model", Weighting::model},
                 {"epsilon", Weighting::epsilon},
                 {"x0", Weighting::x0},
                 {"v", Weighting::v},
                 {"truncated_snr", Weighting::truncated_snr},
                 {"min_snr", Weighting::min_snr},
                 {"likelihood", Weighting::likelihood}},
                {.doc = "what the error at each time counts"});
    f.choice_of("pairing", pairing,
                {{"independent", Pairing::independent},
                 {"optimal_transport", Pairing::optimal_transport},
                 {"teacher", Pairing::teacher}},
                {.doc = "which noise goes with which item of a batch"});
    f.text("teacher", teacher,
           {.doc = "pairing teacher: the run folder whose samples and noise are learnt"});
    f.integer("reference", reference,
              {.doc = "rows of the data, others each step, that say E[x0 | x_t] beside the row "
                      "itself, which is the target; all rows stay in memory",
               .low = 0});
    f.number("condition_dropout", condition_dropout,
             {.doc = "how often a row's condition is hidden, for guidance", .low = 0, .high = 1});
}

Tensor denoising_errors(const Denoiser& model, const Tensor& x0, const Tensor& eps, const Tensor& t,
                        const Condition& c) {
    return mean_square(model.residual(x0, eps, t, c));
}

Tensor weight_of(Weighting weighting, const Path& path, const Tensor& t) {
    const Level at = path.at(t);
    const Tensor snr = (at.alpha / at.sigma).square();
    switch (weighting) {
        case Weighting::epsilon:
            return snr;
        case Weighting::v:
            return snr + 1;
        case Weighting::truncated_snr:
            return snr.clamp_min(1);
        case Weighting::min_snr:
            return snr.clamp_max(5);
        case Weighting::likelihood: {
            const Level slope = path.derivative(t);
            return at.alpha * (at.alpha * slope.sigma - slope.alpha * at.sigma) / at.sigma.pow(3);
        }
        case Weighting::model:
        case Weighting::x0:
            break;
    }
    return at::ones_like(snr);
}

std::unique_ptr<Objective> make_denoising(const DenoisingOptions& options) {
    return std::make_unique<Denoising>(options);
}

}  // namespace pushforward
