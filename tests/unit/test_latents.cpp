// What the verbs of latent space are made of: great circles, masks, refusals.
#include "data/files.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/npy.hpp"
#include "pushforward/data/mask.hpp"
#include "pushforward/math/slerp.hpp"
#include "pushforward/training/latents.hpp"
#include "support.hpp"

#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <doctest/doctest.h>
#include <torch/nn/module.h>

#include <cmath>
#include <numbers>

using namespace pushforward;
using testing::Folder;
using testing::refusal;
using testing::worst;

namespace {

/// Draws zeros and can nothing else.
class Plain : public Model {
public:
    const DataSpec& spec() const override { return spec_; }
    torch::nn::Module& module() override { return module_; }
    Samples sample(const SampleRequest& request, Rng) const override {
        return {at::zeros({request.n, 2})};
    }

private:
    DataSpec spec_{{Kind::real, {2}, 0}, {}};
    torch::nn::Module module_;
};

std::string bad_data(const std::function<void()>& call) {
    try {
        call();
    } catch (const DataError& e) {
        return e.what();
    }
    return "not refused";
}

}  // namespace

TEST_CASE("slerp runs on the great circle, row by row, at an even pace") {
    const Tensor a = at::tensor({2., 0., 0., 3., 1., 1.}, at::kDouble).view({2, 3});
    const Tensor b = at::tensor({0., 2., 0., 3., 1., 1.}, at::kDouble).view({2, 3});
    CHECK(worst(slerp(a, b, 0), a) < 1e-15);
    CHECK(worst(slerp(a, b, 1), b) < 1e-15);
    const double third = std::numbers::pi / 6;
    const Tensor at_third = slerp(a, b, 1. / 3);
    CHECK(worst(at_third[0],
                at::tensor({2 * std::cos(third), 2 * std::sin(third), 0.}, at::kDouble)) < 1e-14);
    CHECK(worst(at_third[1], a[1]) < 1e-14);          // the same point
    CHECK(worst(slerp(a, -a, 0.25), a / 2) < 1e-14);  // opposite ones
    CHECK(worst(slerp(0 * a, b, 0.25).slice(0, 0, 1),
                b.slice(0, 0, 1) * std::sin(std::numbers::pi / 8)) < 1e-14);
    // Standard normal vectors of D = 10,000 have |z|^2 = D +- sqrt(2 D); so has their middle, whose
    // straight line would have D / 2. Four standard errors and those of the angle.
    const Tensor z = Rng(1).normal({2, 10000}, at::kDouble);
    const double middle =
        slerp(z.slice(0, 0, 1), z.slice(0, 1, 2), 0.5).square().sum().item<double>();
    CHECK(std::abs(middle / 10000 - 1) < 4 * 0.0142 * 1.5);
}

TEST_CASE("a mask is 1 and 0, of one channel and of the items' size") {
    const Folder folder;
    const Space picture{Kind::real, {3, 2, 3}, 0}, vector{Kind::real, {4}, 0};
    const auto npy = [&](const Shape& shape, const std::vector<float>& values) {
        write_npy(folder / "m.npy", array_of<float>(shape, values));
        return folder / "m.npy";
    };
    const auto png = [&](std::int64_t channels, std::vector<std::uint8_t> pixels) {
        const Buffer bytes = encode_png({2, 3, channels, std::move(pixels)});
        return folder.write("m.png", {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    };
    const Tensor keep = at::tensor({1, 0, 0, 0, 0, 1}, at::kInt).view({1, 2, 3}).to(at::kBool);
    const auto same = [&](const std::string& file) {
        const Tensor read = read_mask(file, picture);
        return read.scalar_type() == at::kBool && read.sizes() == keep.sizes() &&
               worst(read.to(at::kInt), keep.to(at::kInt)) == 0;
    };
    CHECK(same(npy({2, 3}, {1, 0, 0, 0, 0, 1})));
    CHECK(same(npy({1, 2, 3}, {1, 0, 0, 0, 0, 1})));
    CHECK(same(png(1, {255, 0, 0, 0, 0, 255})));
    CHECK(same(png(1, {1, 0, 0, 0, 0, 1})));
    CHECK(read_mask(npy({4}, {0, 1, 1, 0}), vector).sizes() == at::IntArrayRef({4}));

    const auto says = [&](const std::string& file, const Space& space, const std::string& what) {
        CHECK(bad_data([&] { read_mask(file, space); }) == file + ": " + what);
    };
    says(npy({3, 2}, {1, 0, 0, 0, 0, 1}), picture, "expected a mask [1, 2, 3], got [1, 3, 2]");
    says(npy({3}, {1, 0, 0}), vector, "expected a mask [4], got [3]");
    says(npy({4}, {1, 0, 0.5, 0}), vector,
         "expected values 1 (or 255), keep, and 0, draw, got 0.5");
    says(png(3, std::vector<std::uint8_t>(18)), picture, "expected a mask of 1 channel, got 3");
    says(folder.write("m.csv", "1,0\n0,1\n"), picture,
         "expected a mask, a picture or npy, got text");
}

TEST_CASE("a model that cannot is refused with the names of those that can") {
    const Plain plain;
    CHECK(refusal([&] { latent_of(plain, "plain", "encode"); }) ==
          "encode: plain has no latent space; models that have one: ddpm, edm, flow_matching, "
          "score_sde, nice, real_nvp, glow, maf, iaf, spline, residual or continuous");
    Draft draft;
    draft.x = at::zeros({1, 2});
    CHECK(refusal([&] { draw_samples(plain, {}, 1, {}, 1, 1, at::kCPU, {}, {.draft = draft}); }) ==
          "sample: this model does not begin from given items; models that do: ddpm, edm, "
          "flow_matching, score_sde or mixture");
}
