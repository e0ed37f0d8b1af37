#include "pushforward/base/errors.hpp"
#include "pushforward/cli/common.hpp"
#include "pushforward/cli/progress.hpp"
#include "pushforward/training/fit.hpp"
#include "pushforward/training/summary.hpp"

#include <CLI/CLI.hpp>

#include <memory>

namespace pushforward {
namespace {

struct TrainArguments {
    std::string recipe, out, from, max_time;
    bool resume = false, overwrite = false, dry_run = false;
    std::int64_t seeds = 1;
};

std::string result_text(const FitResult& r) {
    const std::string run = r.run.string();
    if (r.already_finished) return run + " is finished: nothing to do";
    const auto& s = r.summary;
    std::string ended;
    if (s.end == TrainingSummary::End::time) ended = ", stopped by --max-time";
    if (s.end == TrainingSummary::End::patience) ended = ", stopped early";
    return text("trained ", s.step, " steps in ", duration_text(s.seconds), " (",
                static_cast<std::int64_t>(s.samples_per_second), " samples/s)", ended, "\nrun     ",
                run, "\nreport  ", run, "/report.html\nnext    pushforward ",
                r.samples ? "sample " + run + " -n 64 --out samples.png" : "eval " + run);
}

FitResult train_once(const Common& common, const TrainArguments& a, std::int64_t seed_offset) {
    std::string name;
    auto sets = common.sets;
    if (common.seed || a.seeds > 1)
        sets.push_back(
            text("train.seed=", common.seed.value_or(0) + static_cast<std::uint64_t>(seed_offset)));
    if (common.threads > 0) sets.push_back(text("train.threads=", common.threads));
    if (common.precision != "auto") sets.push_back("train.precision=" + common.precision);
    const std::string source =
        a.recipe.empty() ? (std::filesystem::path(a.out) / "recipe.toml").string() : a.recipe;
    Recipe recipe = load_recipe(source, sets, &name);

    FitOptions options;
    options.name = name;
    options.out = a.out;
    if (a.seeds > 1) {
        const std::string base = a.out.empty() ? "runs/" + name : a.out;
        options.out = std::filesystem::path(base) / text("seed-", recipe.train.seed);
    }
    options.from = a.from;
    options.existing = a.resume      ? RunFolder::Existing::resume
                       : a.overwrite ? RunFolder::Existing::overwrite
                                     : RunFolder::Existing::refuse;
    options.device = common.device;
    options.stop = &stop_signal();
    if (!a.max_time.empty()) options.max_seconds = parse_duration(a.max_time);
    Progress progress("train", common.quiet);
    options.logs = {&progress};
    options.say = [&](const std::string& line) {
        if (!common.quiet) progress.line(line);
    };
    return fit(std::move(recipe), options);
}

void train(const Common& common, const TrainArguments& a) {
    PF_CHECK(!a.recipe.empty() || (a.resume && !a.out.empty()), "train",
             "a recipe (or --resume with --out RUN)", "none");
    PF_CHECK(!(a.resume && a.overwrite), "train", "--resume or --overwrite", "both");
    PF_CHECK(!a.resume || !a.out.empty(), "--resume", "--out RUN, the run to go on with", "none");
    if (a.dry_run) {
        const Recipe recipe = load_recipe(a.recipe, common.sets);
        const DryRun d = dry_run(recipe, common.device);
        const double seconds = d.seconds_a_step * static_cast<double>(recipe.train.steps);
        return common.print(
            text("data        ", d.data.kind, "; ", d.data.split, "\nparameters  ", d.parameters,
                 "\ntime        ", recipe.train.steps, " steps in about ", duration_text(seconds)),
            {{"data", d.data.kind},
             {"train_rows", d.data.train},
             {"parameters", d.parameters},
             {"seconds_a_step", d.seconds_a_step},
             {"seconds", seconds}});
    }
    json::array all;
    std::string lines;
    for (std::int64_t i = 0; i < a.seeds; ++i) {
        const FitResult result = train_once(common, a, i);
        all.push_back(summary_json(result.run, result.summary));
        lines += result_text(result) + "\n";
    }
    if (a.seeds == 1)
        common.print(lines, all.front().as_object());
    else
        common.print(lines, {{"runs", all}});
}

}  // namespace

void add_train(CLI::App& program, Common& common) {
    auto a = std::make_shared<TrainArguments>();
    CLI::App* verb = add_verb(program, common, "train", "fit a model and leave a run folder",
                              [&common, a] { train(common, *a); });
    verb->add_option("RECIPE", a->recipe, "a shipped recipe's name or a TOML file");
    verb->add_option("--out", a->out, "the run folder (default: runs/RECIPE-NNN)");
    verb->add_flag("--resume", a->resume, "go on from the newest valid checkpoint of --out");
    verb->add_option("--from", a->from, "start from another run's weights");
    verb->add_flag("--overwrite", a->overwrite, "replace the run in --out");
    verb->add_option("--max-time", a->max_time, "stop, with a checkpoint, after 90s, 10m, 2h");
    verb->add_option("--seeds", a->seeds, "train so many runs, seeds counting up (default: 1)")
        ->check(CLI::Range(1, 1000));
    verb->add_flag("--dry-run", a->dry_run, "check everything, take one step, leave nothing");
}

}  // namespace pushforward
