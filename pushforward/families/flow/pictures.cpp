#include "pushforward/families/flow/pictures.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/bijections/elementwise.hpp"
#include "pushforward/bijections/image.hpp"
#include "pushforward/bijections/linear.hpp"

#include <functional>
#include <vector>

namespace pushforward {
namespace {

/// Where a level's layers go: their parameters, the [C, H, W] that arrive there, and the links.
struct Resolution {
    torch::nn::Module& own;
    std::int64_t number, context;
    std::vector<std::int64_t> event;
    bool last;
    Links& links;

    void squeeze() {
        links.push_back(make_squeeze());
        event = {4 * event[0], event[1] / 2, event[2] / 2};
    }

    std::string name(const std::string& what, std::int64_t i) const {
        return text("level_", number, "_", what, "_", i);
    }
};

/// Levels inside of one another: each but the last ends with a split, whose kept half goes on.
/// `fill` appends a level's layers.
void nest(Resolution level, std::int64_t levels, const std::function<void(Resolution&)>& fill) {
    level.last = level.number + 1 == levels;
    fill(level);
    Links inner;
    if (level.last) {
        level.links.push_back(make_flatten(level.event));
        return;
    }
    nest({level.own,
          level.number + 1,
          level.context,
          {level.event[0] / 2, level.event[1], level.event[2]},
          false,
          inner},
         levels, fill);
    level.links.push_back(make_split(std::make_unique<Chain>(std::move(inner))));
}

/// The sides of pictures must be divisible by 2^halvings.
void check_sides(const std::string& who, const Space& x, std::int64_t halvings) {
    const std::int64_t unit = std::int64_t{1} << halvings;
    PF_CHECK(x.event[1] % unit == 0 && x.event[2] % unit == 0, who,
             text("pictures whose sides are multiples of ", unit, " (fewer levels ask for less)"),
             text(x.event[1], " x ", x.event[2]));
}

}  // namespace

std::string numbered(const std::string& name, std::int64_t i) {
    return text(name, "_", i);
}

void visit_mixing(Fields& f, Mixing& mixing) {
    f.choice_of("mixing", mixing,
                {{"none", Mixing::none},
                 {"reversal", Mixing::reversal},
                 {"permutation", Mixing::permutation},
                 {"rotation", Mixing::rotation},
                 {"lu", Mixing::lu}},
                {.doc = "what stands between the layers: nothing, an order, a fixed rotation, or "
                        "an LU matrix"});
}

void mix(Mixing mixing, torch::nn::Module& own, const std::string& name, std::int64_t numbers,
         Links& links) {
    if (mixing == Mixing::reversal) links.push_back(make_reversal(numbers));
    if (mixing == Mixing::permutation) links.push_back(make_permutation(own, name, numbers));
    if (mixing == Mixing::rotation) links.push_back(make_rotation(own, name, numbers));
    if (mixing == Mixing::lu) links.push_back(make_lu_linear(own, name, numbers));
}

std::int64_t flattened(const Space& x, Links& links) {
    if (x.event.size() != 1) links.push_back(make_flatten(x.event));
    return x.dimensions();
}

void PictureFlow::visit(Fields& f) {
    f.integer("levels", levels,
              {.doc = "of pictures: how many scales there are", .low = 1, .high = 8});
    f.number("logit", logit,
             {.doc = "of pictures: the margin of a logit that takes [-1, 1] to the reals first; 0: "
                     "none",
              .low = 0,
              .high = 0.4});
    f.choice_of(
        "dequantisation", dequantisation,
        {{"uniform", Dequantisation::uniform}, {"variational", Dequantisation::variational}},
        {.doc = "of pictures of 256 levels: the noise that makes them reals"});
}

std::unique_ptr<Model> make_picture_real_nvp(const RealNvpOptions& options,
                                             const FlowSampling& sampling, const DataSpec& spec) {
    check_sides("real_nvp", spec.x, options.pictures.levels - 1);
    const auto build = [&](torch::nn::Module& own, const Space& x, std::int64_t context,
                           Links& links) {
        if (options.pictures.logit > 0) links.push_back(make_logit(options.pictures.logit));
        nest({own, 0, context, x.event, false, links}, options.pictures.levels,
             [&](Resolution& level) {
                 std::int64_t i = 0;
                 const auto couple = [&](Mask mask, std::int64_t times) {
                     for (std::int64_t k = 0; k < times; ++k, ++i) {
                         level.links.push_back(make_picture_coupling(
                             level.own, level.name("transform", i),
                             {level.event[0], level.context, options.width, options.layers}, mask,
                             k % 2 == 1, make_affine()));
                         if (options.act_norm)
                             level.links.push_back(
                                 make_act_norm(level.own, level.name("norm", i), level.event[0]));
                     }
                 };
                 couple(Mask::checkerboard, options.transforms + (level.last ? 1 : 0));
                 if (level.last) return;
                 level.squeeze();
                 couple(Mask::channels, options.transforms);
             });
    };
    return make_flow(options, sampling, spec, build, options.pictures.dequantisation);
}

GlowOptions::GlowOptions() {
    transforms = 16;
    width = 256;
    pictures.levels = 3;
}

void GlowOptions::visit(Fields& f) {
    FlowOptions::visit(f);
    visit_mixing(f, mixing);
    pictures.visit(f);
}

std::unique_ptr<Model> make_glow(const GlowOptions& options, const FlowSampling& sampling,
                                 const DataSpec& spec) {
    PF_CHECK(spec.x.is_image(), "glow", "pictures", "other items");
    check_sides("glow", spec.x, options.pictures.levels);
    const auto build = [&](torch::nn::Module& own, const Space& x, std::int64_t context,
                           Links& links) {
        if (options.pictures.logit > 0) links.push_back(make_logit(options.pictures.logit));
        nest({own, 0, context, x.event, false, links}, options.pictures.levels,
             [&](Resolution& level) {
                 level.squeeze();
                 const std::int64_t channels = level.event[0];
                 const auto couple = [&](const std::string& name, std::int64_t layers) {
                     level.links.push_back(make_picture_coupling(
                         level.own, name, {channels, level.context, options.width, layers},
                         Mask::channels, false, make_affine()));
                 };
                 for (std::int64_t i = 0; i < options.transforms; ++i) {
                     level.links.push_back(
                         make_act_norm(level.own, level.name("norm", i), channels));
                     mix(options.mixing, level.own, level.name("mixing", i), channels, level.links);
                     couple(level.name("transform", i), options.layers);
                 }
                 // what leaves: a mean and a deviation of each channel, or told by the other half
                 level.links.push_back(
                     make_act_norm(level.own, text("level_", level.number, "_end"), channels));
                 if (!level.last) couple(text("level_", level.number, "_prior"), 0);
             });
    };
    return make_flow(options, sampling, spec, build, options.pictures.dequantisation);
}

}  // namespace pushforward
