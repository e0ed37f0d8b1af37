#include "pushforward/base/errors.hpp"
#include "pushforward/cli/common.hpp"
#include "pushforward/core/weights.hpp"
#include "pushforward/families/capabilities.hpp"
#include "pushforward/training/checkpoint.hpp"
#include "pushforward/training/run.hpp"

#include <CLI/CLI.hpp>

#include <memory>

namespace pushforward {
namespace {

std::string shape_of(const Space& space) {
    std::string out;
    for (const auto s : space.event) out += (out.empty() ? "" : " x ") + std::to_string(s);
    return out.empty() ? "scalar" : out;
}

void info(const Common& common, const std::string& folder) {
    const OpenedRun run = open_run(folder);
    const auto& d = run.description;
    std::int64_t parameters = 0;
    for (const auto& [name, t] : weights_of(run.model->module())) parameters += t.numel();
    const auto can = capabilities(*run.model);
    std::string can_text, conditions;
    for (const auto& c : can) can_text += (can_text.empty() ? "" : ", ") + c;
    for (const auto& f : run.model->spec().conditions)
        conditions +=
            (conditions.empty() ? "" : ", ") + f.name +
            (f.space.kind == Kind::symbol ? " (" + std::to_string(f.space.symbols) + " classes)"
                                          : "");
    const Checkpoints checkpoints(run.folder.checkpoints(), run.recipe.train.keep);
    const auto steps = checkpoints.steps();
    const std::int64_t done = steps.empty() ? 0 : steps.back();
    common.print(text("run         ", folder, "\nmodel       ", run.recipe.model.name, ", ",
                      parameters, " numbers\ncan         ", can_text, "\nitems       ",
                      d.spec.x.is_sequence() && d.spec.x.event[0] < 0 ? "sequences of any length"
                                                                      : shape_of(d.spec.x),
                      "\nconditions  ", conditions.empty() ? "none" : conditions, "\ndata        ",
                      d.source, " (", d.kind, ")\nsplit       ", d.split, "\nsteps       ", done,
                      " of ", run.recipe.train.steps, "\nseed        ", run.recipe.train.seed,
                      "\nprecision   ", name_of(run.recipe.train.precision)),
                 {{"run", folder},
                  {"model", run.recipe.model.name},
                  {"parameters", parameters},
                  {"capabilities", json::value_from(can)},
                  {"event", json::value_from(d.spec.x.event)},
                  {"data", d.source},
                  {"train_rows", d.train},
                  {"validation_rows", d.validation},
                  {"steps", done},
                  {"seed", run.recipe.train.seed},
                  {"precision", name_of(run.recipe.train.precision)}});
}

}  // namespace

void add_info(CLI::App& program, Common& common) {
    auto folder = std::make_shared<std::string>();
    add_verb(program, common, "info", "what a run folder holds, and what its model can do",
             [&common, folder] { info(common, *folder); })
        ->add_option("RUN", *folder, "a run folder")
        ->required();
}

}  // namespace pushforward
