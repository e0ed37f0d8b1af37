#include "pushforward/base/errors.hpp"
#include "pushforward/base/version.hpp"
#include "pushforward/cli/common.hpp"
#include "pushforward/cli/progress.hpp"
#include "pushforward/data/condition_text.hpp"
#include "pushforward/data/export.hpp"
#include "pushforward/samplers/guidance.hpp"
#include "pushforward/training/run.hpp"

#include <ATen/ops/isfinite.h>
#include <CLI/CLI.hpp>

#include <chrono>
#include <memory>
#include <optional>

namespace pushforward {
namespace {

struct SampleArguments {
    std::string run, out, prompt, guide;
    std::int64_t n = 0, batch = 64;
    std::vector<std::string> conditions;
    bool with_density = false;
};

/// The run that steers another: it must see the same data in the same units.
OpenedRun open_guide(const std::string& folder, const OpenedRun& run, Precision precision) {
    const std::string who = "--guide " + folder;
    PF_CHECK(run.model->denoiser(), who, "a model that denoises, to be guided",
             run.recipe.model.name);
    OpenedRun guide = open_run(folder, {}, run.device, precision);
    const auto &own = run.description, &other = guide.description;
    PF_CHECK(own.spec.x == other.spec.x, who, text("items of ", at::IntArrayRef(own.spec.x.event)),
             at::IntArrayRef(other.spec.x.event));
    if (!(own.scaling.x() == other.scaling.x()))
        throw UsageError(who +
                         ": its data are scaled otherwise than the model's; train both on "
                         "the same rows, or with data.scale = false");
    return guide;
}

void sample(const Common& common, const SampleArguments& a) {
    const OpenedRun run =
        open_run(a.run, common.sets, resolve_device(common.device), common.wanted_precision());
    if (!run.model->samples())
        throw UsageError("sample: " + run.recipe.model.name +
                         " draws no samples; `pushforward models` says what each model can do");
    const Space& space = run.description.spec.x;
    if (!a.prompt.empty())
        throw UsageError(
            "--prompt: this model does not take text; models that do are "
            "autoregressive");
    const Density* density = run.model->density();
    if (a.with_density && (!density || density->estimators().front().strength != Strength::exact))
        throw UsageError("--with-density: " + run.recipe.model.name +
                         " has no exact density that comes with its samples" +
                         (density ? "; `pushforward score` estimates one" : ""));
    const std::uint64_t seed = common.seed_or_new();
    const std::filesystem::path out =
        !a.out.empty() ? std::filesystem::path(a.out)
                       : run.folder.path() / "samples" /
                             text("n-", a.n, "-seed-", seed, space.is_image() ? ".png" : ".npz");
    check_export(out, space);
    std::optional<OpenedRun> opened;
    if (!a.guide.empty()) opened.emplace(open_guide(a.guide, run, common.wanted_precision()));
    const Model* guide = opened ? opened->model.get() : nullptr;
    const Condition c = condition_rows(a.conditions, guided_spec(run.model->spec(), guide), a.n);

    Progress progress("sample", common.quiet);
    progress.update(0, a.n);
    const auto began = std::chrono::steady_clock::now();
    const Samples drawn = draw_samples(
        *run.model, run.description.scaling, a.n, c, seed, a.batch, run.device,
        [&](std::int64_t done) { progress.update(done, a.n); }, guide);
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    progress.end();
    if (!at::isfinite(drawn.x).all().item<bool>())
        throw NumericalError("sample: some of the samples are not finite; nothing was written");

    std::vector<std::pair<std::string, Tensor>> extras(c.value.begin(), c.value.end());
    if (a.with_density) extras.emplace_back("log_prob", drawn.log_prob);
    const PngText provenance{{"Software", text("pushforward ", version())},
                             {"seed", text(seed)},
                             {"model", run.recipe.model.name}};
    export_items(out, drawn.x, space, extras, run.description.columns, provenance);
    common.print(text(a.n, " samples in ", duration_text(seconds), ": ", out.string()),
                 {{"n", a.n},
                  {"seconds", seconds},
                  {"samples_per_second", static_cast<double>(a.n) / seconds},
                  {"evaluations", drawn.evaluations},
                  {"out", out.string()},
                  {"seed", seed}});
}

}  // namespace

void add_sample(CLI::App& program, Common& common) {
    auto a = std::make_shared<SampleArguments>();
    CLI::App* verb = add_verb(program, common, "sample", "draw samples from a run",
                              [&common, a] { sample(common, *a); });
    verb->add_option("RUN", a->run, "a run folder")->required();
    verb->add_option("-n", a->n, "how many")->required()->check(CLI::Range(1, 1000000000));
    verb->add_option("--out", a->out,
                     "a file .npz .npy .csv .png, or a folder DIR/ (default: RUN/samples/...)");
    verb->add_option("--condition", a->conditions,
                     "label=3, label=NAME, label=each, COLUMN=value (repeatable)")
        ->take_all()
        ->expected(1)
        ->allow_extra_args(false);
    verb->add_option("--guide", a->guide,
                     "a run that steers this one with weight sample.guidance: a classifier, or a "
                     "weaker denoiser");
    verb->add_option("--prompt", a->prompt, "text to go on from, for models of text");
    verb->add_option("--batch", a->batch, "samples drawn together (default: 64)")
        ->check(CLI::Range(1, 1000000));
    verb->add_flag("--with-density", a->with_density, "log-densities beside the samples");
}

}  // namespace pushforward
