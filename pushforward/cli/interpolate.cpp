#include "pushforward/base/errors.hpp"
#include "pushforward/cli/drawn.hpp"
#include "pushforward/cli/progress.hpp"
#include "pushforward/data/export.hpp"
#include "pushforward/training/evaluation.hpp"

#include <CLI/CLI.hpp>

#include <memory>

namespace pushforward {
namespace {

struct InterpolateArguments {
    std::string run, from, to, out;
    std::int64_t steps = 8, batch = 64;
};

void interpolate(const Common& common, const InterpolateArguments& a) {
    const OpenedRun run = open_for_latents(common, a.run, "interpolate");
    check_export(a.out, run.description.spec.x);
    const auto from = open_like(run, a.from, "--from"), to = open_like(run, a.to, "--to");
    if (from->size() != to->size())
        throw UsageError(text("--to ", a.to, ": expected as many rows as --from has, ",
                              from->size(), ", got ", to->size()));
    Progress progress("interpolate", common.quiet);
    const LatentRequest request = latent_request(common, a.batch, progress);
    const Latents first = encode_rows(run, *from, request), last = encode_rows(run, *to, request);
    const Interpolation path = interpolate_rows(run, first, last, a.steps, request);
    progress.end();
    std::vector<std::pair<std::string, Tensor>> extras(path.c.value.begin(), path.c.value.end());
    extras.emplace_back("pair", path.pair);
    extras.emplace_back("share", path.share);
    export_drawn("interpolate", run, a.out, path.x, extras, request.seed, a.steps);
    common.print(text(from->size(), " pairs in ", a.steps, " steps: ", a.out),
                 {{"n", path.x.size(0)},
                  {"pairs", from->size()},
                  {"steps", a.steps},
                  {"out", a.out},
                  {"seed", request.seed}});
}

}  // namespace

void add_interpolate(CLI::App& program, Common& common) {
    auto a = std::make_shared<InterpolateArguments>();
    CLI::App* verb =
        add_verb(program, common, "interpolate", "paths between items through latent space",
                 [&common, a] { interpolate(common, *a); });
    verb->add_option("RUN", a->run, "a run folder")->required();
    verb->add_option("--from", a->from, "a data SPEC: where the paths begin, row by row")
        ->required();
    verb->add_option("--to", a->to, "a data SPEC of as many rows: where they end")->required();
    verb->add_option("--steps", a->steps, "items a pair, both ends included (default: 8)")
        ->check(CLI::Range(2, 10000));
    verb->add_option("--out", a->out,
                     "a file .npz .h5 .npy .csv .png (a pair a row), or a folder DIR/")
        ->required();
    verb->add_option("--batch", a->batch, "items made together (default: 64)")
        ->check(CLI::Range(1, 1000000));
}

}  // namespace pushforward
