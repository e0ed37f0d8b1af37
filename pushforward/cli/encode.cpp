#include "pushforward/base/errors.hpp"
#include "pushforward/cli/drawn.hpp"
#include "pushforward/cli/progress.hpp"
#include "pushforward/training/evaluation.hpp"

#include <CLI/CLI.hpp>

#include <memory>

namespace pushforward {
namespace {

struct EncodeArguments {
    std::string run, data, out;
    std::int64_t batch = 64;
};

void encode(const Common& common, const EncodeArguments& a) {
    PF_CHECK(std::filesystem::path(a.out).extension() == ".npz", "--out " + a.out,
             "an extension .npz", "another");
    const OpenedRun run = open_for_latents(common, a.run, "encode");
    const auto data = open_like(run, a.data);
    Progress progress("encode", common.quiet);
    const LatentRequest request = latent_request(common, a.batch, progress);
    const Latents latents = encode_rows(run, *data, request);
    const double back = round_trip(run, *data, latents, request);
    progress.end();
    write_latents(a.out, latents);
    const auto space = run.model->latent()->latent_space();
    common.print(text(data->size(), " latents (", space.name, ") in ", a.out,
                      "\ndecoded again they are ", back, " from the data (root mean square)"),
                 {{"n", data->size()},
                  {"latent", space.name},
                  {"event", json::value_from(space.space.event)},
                  {"round_trip", back},
                  {"out", a.out},
                  {"seed", request.seed}});
}

}  // namespace

void add_encode(CLI::App& program, Common& common) {
    auto a = std::make_shared<EncodeArguments>();
    CLI::App* verb = add_verb(program, common, "encode", "data to the model's latent space",
                              [&common, a] { encode(common, *a); });
    verb->add_option("RUN", a->run, "a run folder")->required();
    verb->add_option("--data", a->data, "a data SPEC")->required();
    verb->add_option("--out", a->out, "FILE.npz: mean, std, z, and the rows' conditions")
        ->required();
    verb->add_option("--batch", a->batch, "rows encoded together (default: 64)")
        ->check(CLI::Range(1, 1000000));
}

}  // namespace pushforward
