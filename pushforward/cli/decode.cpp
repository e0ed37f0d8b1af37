#include "pushforward/base/errors.hpp"
#include "pushforward/cli/drawn.hpp"
#include "pushforward/cli/progress.hpp"
#include "pushforward/data/export.hpp"

#include <CLI/CLI.hpp>

#include <memory>

namespace pushforward {
namespace {

struct DecodeArguments {
    std::string run, latents, out;
    std::int64_t batch = 64;
};

void decode(const Common& common, const DecodeArguments& a) {
    const OpenedRun run = open_for_latents(common, a.run, "decode");
    const Latents latents = read_latents(a.latents, run);
    check_drawn(run, a.out, latents.z.size(0));
    Progress progress("decode", common.quiet);
    const LatentRequest request = latent_request(common, a.batch, progress);
    const Tensor x = decode_rows(run, latents.z, latents.c, request);
    progress.end();
    export_drawn("decode", run, a.out, x, {latents.c.value.begin(), latents.c.value.end()},
                 request.seed);
    common.print(text(x.size(0), " items: ", a.out),
                 {{"n", x.size(0)}, {"out", a.out}, {"seed", request.seed}});
}

}  // namespace

void add_decode(CLI::App& program, Common& common) {
    auto a = std::make_shared<DecodeArguments>();
    CLI::App* verb = add_verb(program, common, "decode", "latents to data",
                              [&common, a] { decode(common, *a); });
    verb->add_option("RUN", a->run, "a run folder")->required();
    verb->add_option("--latents", a->latents, "FILE.npz, as encode writes it: its z")->required();
    verb->add_option("--out", a->out, "a file .npz .h5 .npy .csv .png, or a folder DIR/")
        ->required();
    verb->add_option("--batch", a->batch, "rows decoded together (default: 64)")
        ->check(CLI::Range(1, 1000000));
}

}  // namespace pushforward
