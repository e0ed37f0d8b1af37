#include "pushforward/base/errors.hpp"
#include "pushforward/kernels/group_norm_silu.hpp"
#include "pushforward/nn/flops.hpp"
#include "pushforward/nn/mlp.hpp"
#include "pushforward/nn/unet.hpp"
#include "support.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/group_norm.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/tensor.h>
#include <doctest/doctest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/module.h>

#include <string>

using namespace pushforward;
using pushforward::testing::refusal;
using pushforward::testing::worst;

namespace {

DataSpec images(std::int64_t channels, std::int64_t height, std::int64_t width) {
    return {{Kind::real, {channels, height, width}, 0},
            {{"label", {Kind::symbol, {}, 5}}, {"angle", {Kind::real, {2}, 0}}}};
}

UnetOptions small() {
    UnetOptions o;
    o.channels = 8;
    o.multipliers = {1, 2, 2};
    o.blocks = 1;
    o.attention = {2};
    o.head_size = 8;
    o.groups = 4;
    return o;
}

/// Zero-initialised layers would hide what lies before them.
void randomise(torch::nn::Module& module) {
    const at::NoGradGuard no_grad;
    for (auto& p : module.parameters()) p.add_(at::randn(p.sizes()) * 0.1);
}

Condition both(std::int64_t rows) {
    Condition c;
    c.value["label"] = at::arange(rows, at::kLong) % 5;
    c.value["angle"] = at::randn({rows, 2});
    return c;
}

std::shared_ptr<DenoisingNetwork> network(const std::string& name, const DataSpec& spec) {
    auto made = name == "unet" ? make_unet(small(), spec) : make_mlp(MlpOptions{}, spec);
    randomise(made->module());
    return made;
}

}  // namespace

TEST_CASE("group_norm_silu equals ATen's own group norm") {
    for (auto format : {at::MemoryFormat::Contiguous, at::MemoryFormat::ChannelsLast}) {
        const Tensor x = at::randn({3, 12, 5, 7}).to(at::kDouble).contiguous(format);
        const Tensor w = at::randn({12}).to(at::kDouble), b = at::randn({12}).to(at::kDouble);
        const Tensor expected = at::group_norm(x.contiguous(), 4, w, b, 1e-5);
        const Tensor y = group_norm_silu_plain(x, w, b, 4, 1e-5, false);
        CHECK(worst(y, expected) < 1e-12);
        CHECK(y.is_contiguous(format));
        CHECK(worst(group_norm_silu_plain(x, w, b, 4, 1e-5, true), at::silu(expected)) < 1e-12);
    }
}

TEST_CASE("the fused group_norm_silu equals the plain composition, forward and backward") {
    struct Shape {
        std::int64_t n, channels, groups, height, width;
    };
    for (const Shape& s :
         {Shape{3, 12, 4, 5, 7}, {2, 64, 32, 9, 8}, {1, 6, 2, 1, 3}, {2, 5, 1, 33, 3}})
        for (bool silu : {false, true})
            for (auto type : {at::kFloat, at::kBFloat16}) {
                CAPTURE(s.channels);
                CAPTURE(silu);
                // far from zero mean: where a one-pass variance would show
                const Tensor item =
                    (at::randn({s.n, s.channels, s.height, s.width}) * 2 + 3).to(type);
                const Tensor gain = at::randn({s.channels}), shift = at::randn({s.channels});
                const Tensor up = at::randn(item.sizes()).to(type);
                const auto run = [&](auto function, at::ScalarType in) {
                    std::vector<Tensor> leaves{item.to(in), gain.to(in), shift.to(in)};
                    for (auto& leaf : leaves) leaf = leaf.detach().clone().requires_grad_(true);
                    const Tensor y =
                        function(leaves[0], leaves[1], leaves[2], s.groups, 1e-5, silu);
                    y.backward(up.to(in));
                    std::vector<Tensor> all{y.detach()};
                    for (auto& leaf : leaves) all.push_back(leaf.grad());
                    return all;
                };
                const auto exact = run(group_norm_silu_plain, at::kDouble);
                const auto fused = run(
                    [](const Tensor& x, const Tensor& w, const Tensor& b, std::int64_t groups,
                       double eps, bool with) {
                        return group_norm_silu(x, w.to(at::kFloat), b.to(at::kFloat), groups, eps,
                                               with);
                    },
                    type);
                for (std::size_t i = 0; i < 4; ++i) {
                    CAPTURE(i);
                    const double scale = exact[i].abs().max().item<double>() + 1e-6;
                    // float32: rounding of long sums; bfloat16: half a unit in the 8th bit, and
                    // the gain and shift of `run` are bfloat16 too
                    const double tolerance = type == at::kFloat ? 2e-5 : 2e-2;
                    CHECK(worst(fused[i].to(at::kDouble), exact[i]) < tolerance * scale);
                }
            }
}

TEST_CASE("the fused group_norm_silu can be differentiated twice") {
    at::manual_seed(7);
    const Tensor x = at::randn({2, 4, 3, 3}).requires_grad_(true);
    const Tensor w = at::randn({4}).requires_grad_(true), b = at::randn({4}).requires_grad_(true);
    const auto second = [&](auto function) {
        const Tensor y = function(x, w, b, 2, 1e-5, true).square().sum();
        const Tensor g = torch::autograd::grad({y}, {x}, {}, true, true)[0];
        return torch::autograd::grad({g.pow(3).sum()}, {w})[0];
    };
    const Tensor expected = second(group_norm_silu_plain);
    CHECK(worst(second(group_norm_silu), expected) < 1e-5 * expected.abs().max().item<double>());
}

TEST_CASE("the U-Net of the benchmark has 6,469,889 parameters") {
    UnetOptions o;
    o.head_size = 8;
    const auto made = make_unet(o, {{Kind::real, {1, 32, 32}, 0}, {}});
    std::int64_t count = 0;
    for (const auto& p : made->module().parameters()) count += p.numel();
    CHECK(count == 6469889);

    // 2.874 GFLOP an image, 551.8 a training step of 64: what torch's FlopCounterMode says
    FlopCount flops;
    made->forward(at::randn({2, 1, 32, 32}), at::tensor({1., 2.}), {});
    CHECK(flops.forward / 2 == 2874474496);
    CHECK((flops.forward + flops.backward) / 2 == 8622211072);
}

TEST_CASE("a U-Net takes any size and one to four channels") {
    for (std::int64_t channels : {1, 2, 3, 4})
        for (auto [height, width] :
             {std::pair<std::int64_t, std::int64_t>{7, 9}, {8, 8}, {1, 13}}) {
            CAPTURE(height);
            const auto made = network("unet", images(channels, height, width));
            const Tensor y =
                made->forward(at::randn({2, channels, height, width}), at::tensor({3., 900.}), {});
            CHECK(y.sizes() == at::IntArrayRef({2, channels, height, width}));
            CHECK(y.isfinite().all().item<bool>());
            CHECK(y.abs().max().item<float>() > 0);
        }
}

TEST_CASE("a loss reaches every parameter of every network") {
    for (const std::string name : {"unet", "mlp"}) {
        CAPTURE(name);
        const auto made = network(name, images(1, 8, 8));
        Condition c = both(6);
        c.given["label"] = at::tensor({1, 1, 1, 1, 1, 0}, at::kLong).to(at::kBool);
        const Tensor y = made->forward(at::randn({6, 1, 8, 8}), at::linspace(1, 900, 6), c);
        y.square().sum().backward();
        for (const auto& p : made->module().named_parameters()) {
            CAPTURE(p.key());
            REQUIRE(p.value().grad().defined());
            CHECK(p.value().grad().abs().sum().item<float>() > 0);
        }
    }
}

TEST_CASE("a fresh network predicts zero") {
    const auto made = make_unet(small(), images(1, 8, 8));
    CHECK(made->forward(at::randn({2, 1, 8, 8}), at::tensor({1., 2.}), both(2))
              .abs()
              .max()
              .item<float>() == 0);
    const auto mlp = make_mlp(MlpOptions{}, images(1, 8, 8));
    CHECK(mlp->forward(at::randn({2, 1, 8, 8}), at::tensor({1., 2.}), both(2))
              .abs()
              .max()
              .item<float>() == 0);
}

TEST_CASE("rows answer for themselves, to time, item and condition") {
    for (const std::string name : {"unet", "mlp"}) {
        CAPTURE(name);
        const at::NoGradGuard no_grad;
        const auto made = network(name, images(1, 6, 6));
        const Tensor x = at::randn({4, 1, 6, 6}), t = at::tensor({10., 200., 500., 900.});
        const Condition c = both(4);
        const Tensor y = made->forward(x, t, c);
        CHECK(worst(made->forward(x.slice(0, 1, 3), t.slice(0, 1, 3), c.slice(1, 3)),
                    y.slice(0, 1, 3)) < 1e-5);
        CHECK(worst(made->forward(x, t + 50, c), y) > 1e-3);
        Condition other = c;
        other.value["label"] = (c.value.at("label") + 1) % 5;
        CHECK(worst(made->forward(x, t, other), y) > 1e-3);
        other = c;
        other.value["angle"] = c.value.at("angle") + 1;
        CHECK(worst(made->forward(x, t, other), y) > 1e-3);
    }
}

TEST_CASE("a condition that isn't given is the same however that is said") {
    const at::NoGradGuard no_grad;
    for (const std::string name : {"unet", "mlp"}) {
        CAPTURE(name);
        const auto made = network(name, images(1, 6, 6));
        const Tensor x = at::randn({4, 1, 6, 6}), t = at::tensor({10., 200., 500., 900.});
        const Condition c = both(4), others = both(4);
        const Tensor without = made->forward(x, t, {});
        CHECK(worst(made->forward(x, t, c.none()), without) < 1e-6);
        CHECK(worst(made->forward(x, t, others.none()), without) < 1e-6);
        CHECK(worst(made->forward(x, t, c), without) > 1e-3);
        Condition some = c;
        for (const char* field : {"label", "angle"})
            some.given[field] = at::tensor({0, 1, 0, 1}, at::kLong).to(at::kBool);
        const Tensor mixed = made->forward(x, t, some), with = made->forward(x, t, c);
        CHECK(worst(mixed[0], without[0]) < 1e-5);
        CHECK(worst(mixed[1], with[1]) < 1e-5);
    }
}

TEST_CASE("bfloat16 is close to float32, forward and backward, at every memory format") {
    for (const std::string name : {"unet", "mlp"}) {
        CAPTURE(name);
        const auto made = network(name, images(3, 12, 12));
        const Tensor x = at::randn({4, 3, 12, 12}), t = at::tensor({10., 200., 500., 900.});
        const auto run = [&](at::ScalarType type) {
            for (auto& p : made->module().parameters()) p.mutable_grad() = Tensor();
            const Tensor y = made->forward(x.to(type), t, both(4).none());
            CHECK((y.scalar_type() == type));
            y.to(at::kFloat).square().sum().backward();
            std::vector<Tensor> all{y.detach().to(at::kFloat)};
            for (auto& p : made->module().parameters())
                if (p.grad().defined()) all.push_back(p.grad().to(at::kFloat));
            return all;
        };
        const auto full = run(at::kFloat), half = run(at::kBFloat16);
        REQUIRE(full.size() == half.size());
        for (std::size_t i = 0; i < full.size(); ++i) {
            CAPTURE(i);  // 8 bits of mantissa through some 20 layers
            const double scale = full[i].norm().item<double>();
            if (scale > 1e-3) CHECK((half[i] - full[i]).norm().item<double>() < 0.12 * scale);
        }
    }
}

TEST_CASE("cached bfloat16 weights follow the parameters") {
    const at::NoGradGuard no_grad;
    const auto made = network("unet", images(1, 8, 8));
    const Tensor x = at::randn({1, 1, 8, 8}).to(at::kBFloat16), t = at::tensor({10.});
    const Tensor before = made->forward(x, t, {});
    CHECK(worst(made->forward(x, t, {}), before) == 0);
    for (auto& p : made->module().parameters()) p.mul_(1.1);
    CHECK(worst(made->forward(x, t, {}), before) > 1e-2);
}

TEST_CASE("options of the networks are heeded or refused by name") {
    const auto count = [](const std::shared_ptr<DenoisingNetwork>& n) {
        std::int64_t all = 0;
        for (const auto& p : n->module().parameters()) all += p.numel();
        return all;
    };
    const DataSpec spec = images(1, 8, 8);
    const std::int64_t base = count(make_unet(small(), spec));
    const auto changed = [&](auto change) {
        UnetOptions o = small();
        change(o);
        return count(make_unet(o, spec));
    };
    CHECK(changed([](auto& o) { o.channels = 16; }) > base);
    CHECK(changed([](auto& o) { o.multipliers = {1, 2}, o.attention = {1}; }) < base);
    CHECK(changed([](auto& o) { o.blocks = 2; }) > base);
    CHECK(changed([](auto& o) { o.attention = {}; }) < base);
    const auto answer = [&](auto change) {  // the same weights under other options
        UnetOptions o = small();
        change(o);
        const auto made = make_unet(o, spec);
        const at::NoGradGuard no_grad;
        for (auto& p : made->module().parameters())
            p.copy_(at::linspace(-0.3, 0.4, p.numel()).view(p.sizes()));
        return made->forward(at::linspace(-1, 1, 64).view({1, 1, 8, 8}), at::tensor({10.}), {});
    };
    const Tensor y = answer([](auto&) {});
    CHECK(worst(answer([](auto& o) { o.head_size = 4; }), y) > 1e-6);
    CHECK(worst(answer([](auto& o) { o.groups = 2; }), y) > 1e-4);

    const auto refused = [&](auto change, const std::string& message) {
        CHECK(refusal([&] { changed(change); }) == message);
    };
    refused([](auto& o) { o.channels = 7; }, "unet: channels: expected an even number, got 7");
    refused([](auto& o) { o.head_size = 3; },
            "unet: head_size: expected a divisor of the attention's 16 channels, got 3");
    refused([](auto& o) { o.attention = {3}; },
            "unet: attention: expected levels from 0 to 2, got 3");
    refused([](auto& o) { o.multipliers = {}; },
            "unet: multipliers: expected at least one level, got none");
    refused(
        [](auto& o) {
            o.multipliers = {1, 0};
        },
        "unet: multipliers: expected positive numbers, got 0");

    const std::int64_t mlp = count(make_mlp(MlpOptions{}, spec));
    MlpOptions wide, deep, plain;
    wide.width = 256;
    deep.layers = 4;
    plain.features = 0;
    CHECK(count(make_mlp(wide, spec)) > mlp);
    CHECK(count(make_mlp(deep, spec)) > mlp);
    CHECK(count(make_mlp(plain, spec)) < mlp);
    MlpOptions scaled;
    scaled.feature_scale = 1000;
    CHECK(make_mlp(scaled, spec)->module().buffers()[0].std().item<float>() ==
          doctest::Approx(1000).epsilon(0.1));
}

TEST_CASE("conditions that no network embeds are refused by name") {
    DataSpec spec = images(1, 8, 8);
    spec.conditions = {{"map", {Kind::real, {3, 4}, 0}}};
    CHECK(refusal([&] { make_unet(small(), spec); }) ==
          "condition 'map': expected a number or a vector a row, got 2 dimensions");
    spec.conditions = {{"words", {Kind::symbol, {7}, 30}}};
    CHECK(refusal([&] { make_unet(small(), spec); }) ==
          "condition 'words': expected one class label a row, got 1 dimensions of "
          "30 symbols");
}
