#include "pushforward/training/suggest.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/base/recipe_text.hpp"
#include "pushforward/data/source.hpp"
#include "pushforward/training/fit.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace pushforward {
namespace {

/// Pictures larger than this take hours on a CPU.
constexpr std::int64_t kLargest = 64;

std::string with_key(const std::string& spec, const std::string& key) {
    return spec + (spec.find('?') == std::string::npos ? "?" : "&") + key;
}

/// The SPEC as it stands, or with a size where pictures differ in size or are large.
std::string usable(const std::string& spec) {
    const std::string sized = with_key(spec, text("size=", kLargest));
    try {
        const auto data = open_data(spec);
        const auto& event = data->spec().x.event;
        if (!data->spec().x.is_image()) return spec;
        if (std::max(event[1], event[2]) <= kLargest && event[1] > 0) return spec;
    } catch (const Error&) {
        try {
            open_data(sized);
        } catch (const Error&) {
            open_data(spec);  // throws again: the first message is the one that helps
        }
    }
    return sized;
}

std::string image_model(const Space& x) {
    const auto side = std::max(x.event[1], x.event[2]);
    const std::string levels = side <= 16 ? "[1, 2]" : side <= 32 ? "[1, 2, 2]" : "[1, 2, 2, 4]";
    const int last = side <= 16 ? 1 : side <= 32 ? 2 : 3;
    return text(
        "[model]\nname = \"flow_matching\"\n[model.network]\nname = \"unet\"\nchannels = 32\n",
        "multipliers = ", levels, "\nblocks = 1\nattention = [", last, "]\n");
}

/// Enough steps to see a small set forty times and a large one a few.
std::int64_t steps_for(std::int64_t rows, std::int64_t batch) {
    const double passes = std::clamp(2e5 / static_cast<double>(rows), 4.0, 400.0);
    const double steps = passes * static_cast<double>(rows) / static_cast<double>(batch);
    return std::max<std::int64_t>(1000, static_cast<std::int64_t>(steps / 100) * 100);
}

Recipe for_images(const std::string& spec, const Dataset& data) {
    const Space& x = data.spec().x;
    const std::int64_t batch = std::max(x.event[1], x.event[2]) <= 32 ? 64 : 16;
    const std::int64_t steps = steps_for(data.size(), batch);
    return parse_recipe(
        text("[data]\nsource = ", toml_text(spec), "\n", image_model(x), "[train]\nsteps = ", steps,
             "\nbatch = ", batch, "\nlearning_rate = 0.001\nschedule = \"cosine\"\nwarmup = 100\n",
             "ema_half_life = ", std::max<std::int64_t>(20, steps / 40),
             "\nvalidate_every = ", std::max<std::int64_t>(1, steps / 10),
             "\nsample_every = ", std::max<std::int64_t>(1, steps / 5),
             "\ncheckpoint_every = ", std::max<std::int64_t>(1, steps / 10), "\n"),
        "the suggested recipe");
}

/// The shipped recipe for tables, whatever the table; the fewer rows, the more of them are held out
/// and the sooner they are asked whether it is time to stop.
Recipe for_tables(const std::string& spec, std::int64_t rows) {
    const double held_out = std::clamp(5000 / static_cast<double>(rows), 0.005, 0.2);
    const std::int64_t every = std::clamp<std::int64_t>(rows / 500, 25, 500);
    return load_recipe(
        "table-flow",
        {"data.source=" + toml_text(spec), text("data.validation=", held_out),
         text("train.validate_every=", every), text("train.checkpoint_every=", every)});
}

/// A transformer that sees the text twenty times, smaller for little of it; records need no more
/// places than the longest has symbols.
Recipe for_text(const std::string& spec, const Source& data) {
    constexpr std::int64_t most = 256, looked = 1000;
    const bool stream = !data.stream().empty();
    std::vector<std::int64_t> rows(static_cast<std::size_t>(data.size()));
    std::iota(rows.begin(), rows.end(), std::int64_t{0});
    const Tensor some = stream ? Tensor() : spread(data, rows, looked).x;
    const std::int64_t longest = stream ? most : some.size(1);
    const std::int64_t symbols =
        stream ? static_cast<std::int64_t>(data.stream().size())
               : some.ge(0).sum().item<std::int64_t>() * data.size() / some.size(0);
    const std::int64_t context = std::clamp<std::int64_t>((longest + 1) / 2 * 2, 16, most);
    const std::int64_t batch = 32 * most / context;
    const bool small = symbols < 300000;
    const std::int64_t steps =
        std::clamp<std::int64_t>(20 * symbols / (batch * context) / 100 * 100, 300, 10000);
    return parse_recipe(
        text("[data]\nsource = ", toml_text(spec), "\nwindow = ", context,
             "\n[model]\nname = \"gpt\"\n",
             small ? "layers = 4\nheads = 4\nwidth = 128" : "layers = 6\nheads = 6\nwidth = 192",
             "\ncontext = ", context, "\nbias = false\ndropout = 0.1\n[train]\nsteps = ", steps,
             "\nbatch = ", batch,
             "\nlearning_rate = 0.002\nbeta2 = 0.99\nweight_decay = 0.1\nschedule = \"cosine\"\n",
             "warmup = 100\nema_half_life = 50\nvalidate_every = 250\ncheckpoint_every = 250\n",
             "patience = 4\n"),
        "the suggested recipe");
}

}  // namespace

std::string suggest_recipe(const std::string& given) {
    const std::string spec = usable(given);
    const auto data = open_data(spec);
    const Space& x = data->spec().x;
    const Recipe recipe = x.is_image()      ? for_images(spec, *data)
                          : x.is_sequence() ? for_text(spec, *data)
                                            : for_tables(spec, data->size());
    const DryRun dry = dry_run(recipe);
    const double minutes = dry.seconds_a_step * static_cast<double>(recipe.train.steps) / 60;
    return text("# A first recipe for ", spec, ".\n# Found: ", dry.data.kind, ". ", dry.data.split,
                "\n# ", dry.parameters, " parameters; about ", std::ceil(minutes),
                " minutes of training on this machine (measured: ", dry.seconds_a_step,
                " s a step).\n") +
           recipe_text(recipe, true);
}

}  // namespace pushforward
