#include "pushforward/cli/drawn.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/base/version.hpp"
#include "pushforward/cli/progress.hpp"
#include "pushforward/data/audio_export.hpp"
#include "pushforward/data/export.hpp"
#include "pushforward/data/text_export.hpp"

#include <ATen/ops/isfinite.h>

namespace pushforward {

namespace {
/// Does it ask for sound?
bool as_sound(const OpenedRun& run, const std::filesystem::path& out) {
    return run.description.rate > 0 && (out.extension() == ".wav" || is_folder_path(out));
}
}  // namespace

void check_drawn(const OpenedRun& run, const std::filesystem::path& out, std::int64_t n) {
    if (run.description.vocabulary)
        check_text_export(out);
    else if (as_sound(run, out))
        check_audio_export(out, n);
    else
        check_export(out, run.description.spec.x);
}

void export_drawn(const std::string& verb, const OpenedRun& run, const std::filesystem::path& out,
                  const Tensor& items, const std::vector<std::pair<std::string, Tensor>>& extras,
                  std::uint64_t seed, std::int64_t per_row) {
    if (!at::isfinite(items).all().item<bool>())
        throw NumericalError(verb + ": some of the samples are not finite; nothing was written");
    const std::string extension = out.extension().string();
    if (run.description.vocabulary && extension != ".npz" && extension != ".npy")
        return export_texts(out, texts_of(items, *run.description.vocabulary));
    if (as_sound(run, out)) return export_audio(out, items, run.description.rate);
    const PngText provenance{{"Software", text("pushforward ", version())},
                             {"seed", text(seed)},
                             {"model", run.recipe.model.name}};
    export_items(out, items, run.description.spec.x, extras, run.description.columns, provenance,
                 per_row);
}

OpenedRun open_for_latents(const Common& common, const std::string& run, const std::string& verb) {
    OpenedRun opened =
        open_run(run, common.sets, resolve_device(common.device),
                 common.precision == "auto" ? Precision::float32 : common.wanted_precision());
    latent_of(*opened.model, opened.recipe.model.name, verb);
    return opened;
}

LatentRequest latent_request(const Common& common, std::int64_t batch, Progress& progress) {
    return {common.seed.value_or(0), batch,
            [&progress](std::int64_t done, std::int64_t n) { progress.update(done, n); }};
}

}  // namespace pushforward
