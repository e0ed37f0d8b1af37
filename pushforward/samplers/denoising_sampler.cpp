#include "pushforward/samplers/denoising_sampler.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/samplers/editing.hpp"
#include "pushforward/samplers/guidance.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>

namespace pushforward {

void DenoisingSampling::visit(Fields& f) {
    Fields::Texts names;
    for (const auto& entry : solver_catalogue()) names.push_back(entry.name);
    f.choice("sampler", sampler, names, {.doc = "the solver"});
    f.integer("steps", steps, {.doc = "steps of the solver", .low = 1});
    f.number("guidance", guidance,
             {.doc = "0 ignores the condition, 1 samples from the conditional model, above 1 is "
                     "stronger and asks the network, or a guide, once more"});
    f.number(
        "guidance_low", guidance_low,
        {.doc = "guidance acts where sigma / alpha is above this, elsewhere it is 1", .low = 0});
    f.number("guidance_high", guidance_high,
             {.doc = "and at most this", .low = 0, .open_low = true});
    f.number(
        "eta", solver.eta,
        {.doc = "ddim: share of the posterior's noise that each step adds", .low = 0, .high = 1});
    f.number("churn", solver.churn.amount,
             {.doc = "edm_stochastic: noise added over all steps", .low = 0});
    f.number("churn_low", solver.churn.low,
             {.doc = "edm_stochastic: least sigma / alpha that noise is added at", .low = 0});
    f.number("churn_high", solver.churn.high,
             {.doc = "edm_stochastic: largest sigma / alpha that noise is added at", .low = 0});
    f.number("churn_noise", solver.churn.noise,
             {.doc = "edm_stochastic: deviation of that noise", .low = 0});
    f.integer(
        "corrections", solver.corrections,
        {.doc = "predictor_corrector, annealed_langevin: Langevin steps at each time", .low = 0});
    f.number("corrector_ratio", solver.ratio,
             {.doc = "their signal-to-noise ratio: steps are of size 2 (ratio sigma)^2", .low = 0});
    f.number("tolerance", solver.tolerance,
             {.doc = "adaptive: largest error of a step, relative and absolute",
              .low = 0,
              .open_low = true});
    f.choice_of("grid", grid,
                {{"uniform", Grid::uniform},
                 {"leading", Grid::leading},
                 {"log_snr", Grid::log_snr},
                 {"rho", Grid::rho}},
                {.doc = "how the steps are spread over the noise levels"});
    f.number("rho", rho, {.doc = "exponent of the grid `rho`", .low = 0, .open_low = true});
    f.number("temperature", temperature,
             {.doc = "factor of the initial noise's standard deviation", .low = 0});
    f.choice_of("clip", clip, {{"auto", Clip::automatic}, {"yes", Clip::yes}, {"no", Clip::no}},
                {.doc = "clamp each denoised item to [-1, 1]; auto: for images"});
}

void check_sampling(const DenoisingSampling& o) {
    PF_CHECK(o.guidance_low < o.guidance_high, "sample.guidance_low",
             text("less than guidance_high, ", o.guidance_high), o.guidance_low);
}

Denoise steered(const Denoiser& model, const DataSpec& spec, const DenoisingSampling& o,
                const Condition& c, const Model* guide, std::int64_t* evaluations) {
    Denoise denoise =
        guided(model, c, {o.guidance, o.guidance_low, o.guidance_high, guide}, evaluations);
    const bool clips = o.clip == Clip::yes || (o.clip == Clip::automatic && spec.x.is_image());
    return clips ? clipped(std::move(denoise), 1) : denoise;
}

Samples sample_denoiser(const Denoiser& model, const DataSpec& spec, const DenoisingSampling& o,
                        const SampleRequest& request, Rng rng) {
    check_sampling(o);
    check_request(guided_spec(spec, request.guide), request);
    if (request.guide) check_guide(model, spec, *request.guide, request.c);
    const at::NoGradGuard no_grad;
    const Path& path = model.path();
    const Draft& draft = request.draft;
    std::vector<double> times = time_grid(path, o.grid, o.steps, o.rho);
    SolverSettings settings = o.solver;
    Samples samples;
    const Denoise denoise =
        steered(model, spec, o, request.c.to(request.device), request.guide, &samples.evaluations);

    rng = rng.rows_from(request.first);
    const auto shape = shape_of(spec.x, request.n);
    if (draft.x.defined() || draft.keep.defined()) {
        PF_CHECK(draft.x.defined(), "sample: draft", "items for the entries to keep", "none");
        PF_CHECK(draft.x.sizes() == at::IntArrayRef(shape), "sample: draft",
                 text("items ", at::IntArrayRef(shape)), draft.x.sizes());
        times = last_steps(times, draft.strength);
        settings.churn.amount *= static_cast<double>(times.size() - 1) / double(o.steps);
    }
    const LevelAt first = level_at(path, times.front());
    Tensor x = o.temperature * first.sigma * rng.normal(shape, at::kFloat, request.device);
    // The whole grid begins as it does without a draft, and knows nothing of it.
    if (draft.x.defined() && draft.strength < 1) x = x + first.alpha * draft.x;
    const SolverEntry& solver = solver_entry(o.sampler);
    samples.x = draft.keep.defined()
                    ? inpaint(denoise, path, x, times, solver, settings, draft, rng)
                    : solver.solve(denoise, path, x, times, settings, rng);
    return samples;
}

}  // namespace pushforward
