#include "pushforward/base/errors.hpp"
#include "pushforward/cli/common.hpp"
#include "pushforward/cli/drawn.hpp"
#include "pushforward/cli/listener.hpp"
#include "pushforward/cli/progress.hpp"
#include "pushforward/data/condition_text.hpp"
#include "pushforward/data/export.hpp"
#include "pushforward/data/mask.hpp"
#include "pushforward/families/capabilities.hpp"
#include "pushforward/samplers/guidance.hpp"
#include "pushforward/training/evaluation.hpp"

#include <ATen/ops/tensor.h>
#include <CLI/CLI.hpp>

#include <chrono>
#include <cmath>
#include <iostream>
#include <memory>
#include <optional>

namespace pushforward {
namespace {

struct SampleArguments {
    std::string run, out, prompt, guide, from, mask;
    std::vector<std::string> stops;
    std::int64_t n = 0, batch = 64, length = 0;
    std::optional<double> strength;
    std::optional<std::int64_t> resamplings;
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

/// What text goes on from, and who hears it.
Prompt read_prompt(const Vocabulary& vocabulary, const SampleArguments& a, bool spoken) {
    Prompt prompt;
    prompt.length = a.length;
    if (!a.prompt.empty()) {
        const auto unknown = vocabulary.find_unknown(a.prompt);
        if (unknown != std::string::npos)
            throw UsageError(text("--prompt: byte ", unknown,
                                  " is of no symbol that the model knows: '",
                                  a.prompt.substr(unknown, 8), "'"));
        const auto symbols = vocabulary.encoded(a.prompt);
        prompt.symbols =
            at::tensor(std::vector<std::int64_t>(symbols.begin(), symbols.end()), at::kLong);
    }
    if (spoken || !a.stops.empty())
        prompt.hear = [listener = std::make_shared<Listener>(vocabulary, a.stops, a.prompt,
                                                             spoken ? &std::cout : nullptr)](
                          const Tensor& symbols) { return (*listener)(symbols); };
    return prompt;
}

void check_draft(const SampleArguments& a) {
    if (a.strength && a.from.empty())
        throw UsageError("--strength: it needs the items to begin from, --from SPEC");
    if (!a.mask.empty() && a.from.empty())
        throw UsageError("--mask: it needs the items that it keeps, --from SPEC");
    if (a.resamplings && a.mask.empty())
        throw UsageError("--resamplings: it is for inpainting, --mask FILE");
}

/// The rows of --from, in turn until there are n; `c` receives the conditions that they have and
/// that the command line does not give.
Draft read_draft(const OpenedRun& run, const SampleArguments& a, Condition& c) {
    Draft draft;
    if (a.from.empty()) return draft;
    const auto data = open_like(run, a.from, "--from");
    std::vector<std::int64_t> rows(static_cast<std::size_t>(a.n));
    for (std::int64_t i = 0; i < a.n; ++i) rows[static_cast<std::size_t>(i)] = i % data->size();
    const Batch items = data->get(rows);
    draft.x = items.x;
    for (const auto& [name, value] : known_conditions(run.model->spec(), items.c).value)
        c.value.emplace(name, value);
    if (!a.mask.empty()) draft.keep = read_mask(a.mask, run.description.spec.x);
    draft.strength = a.strength.value_or(a.mask.empty() ? 0.5 : 1);
    draft.resamplings = a.resamplings.value_or(draft.resamplings);
    return draft;
}

void sample(const Common& common, const SampleArguments& a) {
    check_draft(a);
    const OpenedRun run =
        open_run(a.run, common.sets, resolve_device(common.device), common.wanted_precision());
    if (!run.model->samples())
        throw UsageError("sample: " + run.recipe.model.name +
                         " draws no samples; `pushforward models` says what each model can do");
    const Space& space = run.description.spec.x;
    const Vocabulary* vocabulary = run.description.vocabulary.get();
    if (!vocabulary && (!a.prompt.empty() || !a.stops.empty() || a.length > 0))
        throw UsageError("--prompt, --stop, --length: " + run.recipe.model.name +
                         " draws no text; models that do: " +
                         models_that([](const Model& m) { return m.spec().x.is_sequence(); }));
    const bool spoken = vocabulary && a.out.empty() && !common.json;  // to the terminal
    const Density* density = run.model->density();
    if (a.with_density && (!density || density->estimators().front().strength != Strength::exact))
        throw UsageError("--with-density: " + run.recipe.model.name +
                         " has no exact density that comes with its samples" +
                         (density ? "; `pushforward score` estimates one" : ""));
    const std::uint64_t seed = common.seed_or_new();
    const std::filesystem::path out = !a.out.empty() ? std::filesystem::path(a.out)
                                                     : run.folder.path() / "samples" /
                                                           text("n-", a.n, "-seed-", seed,
                                                                vocabulary         ? ".txt"
                                                                : space.is_image() ? ".png"
                                                                                   : ".npz");
    if (!spoken) check_drawn(run, out, a.n);
    std::optional<OpenedRun> opened;
    if (!a.guide.empty()) opened.emplace(open_guide(a.guide, run, common.wanted_precision()));
    const Model* guide = opened ? opened->model.get() : nullptr;
    Condition c = condition_rows(a.conditions, guided_spec(run.model->spec(), guide), a.n);
    Steering steering{guide, read_draft(run, a, c), {}};
    if (vocabulary) steering.prompt = read_prompt(*vocabulary, a, spoken);

    Progress progress("sample", common.quiet || spoken);
    progress.update(0, a.n);
    const auto began = std::chrono::steady_clock::now();
    const Samples drawn = draw_samples(
        *run.model, run.description.scaling, a.n, c, seed, spoken ? 1 : a.batch, run.device,
        [&](std::int64_t done) { progress.update(done, a.n); }, steering);
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    progress.end();
    if (spoken) {
        std::cout << '\n';
        const double symbols = static_cast<double>(drawn.x.ge(0).sum().item<std::int64_t>());
        return common.say(text(number_text(std::round(symbols / seconds)), " symbols a second"));
    }
    std::vector<std::pair<std::string, Tensor>> extras(c.value.begin(), c.value.end());
    if (a.with_density) extras.emplace_back("log_prob", drawn.log_prob);
    export_drawn("sample", run, out, drawn.x, extras, seed);
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
                     "a file .npz .h5 .npy .csv .png, .txt .smi .fasta .jsonl for text, .wav for "
                     "sound, or a folder "
                     "DIR/ (default: RUN/samples/...; text to the terminal)");
    verb->add_option("--condition", a->conditions,
                     "label=3, label=NAME, label=each, COLUMN=value (repeatable)")
        ->take_all()
        ->expected(1)
        ->allow_extra_args(false);
    verb->add_option("--guide", a->guide,
                     "a run that steers this one with weight sample.guidance: a classifier, or a "
                     "weaker denoiser");
    verb->add_option("--prompt", a->prompt, "text to go on from, for models of text");
    verb->add_option("--stop", a->stops, "text that ends a sample where it comes (repeatable)")
        ->take_all()
        ->expected(1)
        ->allow_extra_args(false);
    verb->add_option("--length", a->length,
                     "symbols of text drawn at most (default: sample.length of the recipe)")
        ->check(CLI::Range(1, 1000000000));
    verb->add_option("--batch", a->batch, "samples drawn together (default: 64)")
        ->check(CLI::Range(1, 1000000));
    verb->add_option(
        "--from", a->from,
        "a data SPEC: sample i begins from row i, in turn, with noise added, under the "
        "row's conditions where --condition gives no others");
    verb->add_option("--strength", a->strength,
                     "with --from: the share of the time grid that is run, above 0 to 1 (default: "
                     "0.5; 1 with --mask)");
    verb->add_option("--mask", a->mask,
                     "with --from: a picture of one channel or an npy array, 1 (or 255) keeps the "
                     "row's pixel, 0 draws it");
    verb->add_option("--resamplings", a->resamplings,
                     "with --mask: how often each step is done (default: 10; fewer are quicker and "
                     "fit what is kept less)");
    verb->add_flag("--with-density", a->with_density, "log-densities beside the samples");
}

}  // namespace pushforward
