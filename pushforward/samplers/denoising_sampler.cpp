#include "pushforward/samplers/denoising_sampler.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/samplers/editing.hpp"
#include "pushforward/samplers/guidance.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>

namespace pushforward {
namespace {

void check(const DataSpec& spec, const SampleRequest& request) {
    PF_CHECK(request.n >= 1, "sample: n", "at least 1", request.n);
    for (auto size : spec.x.event)
        PF_CHECK(size > 0, "sample", "items of a fixed size", text("a size of ", size));
    check_conditions("sample", spec, request.c, request.n);
}

}  // namespace

void check_conditions(const std::string& who, const DataSpec& spec, const Condition& c,
                      std::int64_t rows) {
    for (const auto& [name, value] : c.value) {
        const std::string what = text(who, ": condition '", name, "'");
        const Field* field = spec.condition(name);
        if (!field) {
            std::string known;
            for (const auto& f : spec.conditions) known += (known.empty() ? "" : ", ") + f.name;
            throw UsageError(
                text(what, ": the model knows ", known.empty() ? "no conditions" : known));
        }
        PF_CHECK(value.dim() >= 1 && value.size(0) == rows, what, text(rows, " rows"),
                 value.dim() >= 1 ? value.size(0) : 0);
        if (field->space.kind == Kind::symbol)
            PF_CHECK(
                value.min().item<std::int64_t>() >= 0 &&
                    value.max().item<std::int64_t>() < field->space.symbols,
                what, text("labels from 0 to ", field->space.symbols - 1),
                text(value.min().item<std::int64_t>(), " to ", value.max().item<std::int64_t>()));
    }
}

Denoise steered(const Denoiser& model, const DataSpec& spec, const DenoisingSampling& o,
                const Condition& c, std::int64_t* evaluations) {
    Denoise denoise = guided(model, c, o.guidance, evaluations);
    const bool clips = o.clip == Clip::yes || (o.clip == Clip::automatic && spec.x.is_image());
    return clips ? clipped(std::move(denoise), 1) : denoise;
}

void DenoisingSampling::visit(Fields& f) {
    Fields::Texts names;
    for (const auto& entry : solver_catalogue()) names.push_back(entry.name);
    f.choice("sampler", sampler, names, {.doc = "the solver"});
    f.integer("steps", steps, {.doc = "steps of the solver", .low = 1});
    f.number("guidance", guidance,
             {.doc = "0 ignores the condition, 1 samples from the conditional model, above 1 is "
                     "stronger and asks the network twice"});
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
    f.integer("corrections", solver.corrections,
              {.doc = "predictor_corrector: Langevin steps after each step", .low = 0});
    f.number("corrector_ratio", solver.ratio,
             {.doc = "predictor_corrector: their signal-to-noise ratio", .low = 0});
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

Samples sample_denoiser(const Denoiser& model, const DataSpec& spec, const DenoisingSampling& o,
                        const SampleRequest& request, Rng rng) {
    check(spec, request);
    const at::NoGradGuard no_grad;
    const Path& path = model.path();
    const Draft& draft = request.draft;
    std::vector<double> times = time_grid(path, o.grid, o.steps, o.rho);
    SolverSettings settings = o.solver;
    Samples samples;
    const Denoise denoise =
        steered(model, spec, o, request.c.to(request.device), &samples.evaluations);

    rng = rng.rows_from(request.first);
    std::vector<std::int64_t> shape{request.n};
    shape.insert(shape.end(), spec.x.event.begin(), spec.x.event.end());
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
