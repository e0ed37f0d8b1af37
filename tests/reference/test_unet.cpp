// The network and one training step against PyTorch's, on weights that diffusers' UNet2DModel made:
// tools/make_unet_fixture.py writes the file.
#include "pushforward/core/weights.hpp"
#include "pushforward/families/diffusion/ddpm.hpp"
#include "pushforward/nn/unet.hpp"
#include "pushforward/objectives/denoising.hpp"
#include "pushforward/training/optimiser.hpp"
#include "tests/unit/support.hpp"

#include <ATen/TensorOperators.h>
#include <doctest/doctest.h>
#include <torch/nn/module.h>

#include <string>

using namespace pushforward;
using pushforward::testing::worst;

namespace {

NamedTensors part(const NamedTensors& all, const std::string& prefix) {
    NamedTensors some;
    for (const auto& [name, t] : all)
        if (name.rfind(prefix, 0) == 0) some[name.substr(prefix.size())] = t;
    return some;
}

}  // namespace

TEST_CASE("the U-Net and one training step equal PyTorch's") {
    const std::string file = PF_SOURCE_DIR "/tests/reference/data/unet_small.safetensors";
    const NamedTensors all = read_tensors(file);
    DdpmOptions options;
    auto& net = dynamic_cast<UnetOptions&>(*options.network.options);
    net.channels = 4;
    net.multipliers = {1, 2, 2};
    net.blocks = 1;
    net.attention = {2};
    net.head_size = 4;
    net.groups = 2;
    const auto model = make_ddpm(options, {}, {{Kind::real, {1, 8, 8}, 0}, {}});
    // by name: every tensor of the one is a tensor of the other
    copy_tensors(weights_of(model->module()), part(all, "weights."), file);

    const Tensor x0 = all.at("x"), eps = all.at("noise");
    const Tensor t = (all.at("t").to(at::kDouble) + 1) / 1000;
    const Level level = model->denoiser()->path().at(t);
    const auto column = [](const Tensor& v) { return v.to(at::kFloat).view({-1, 1, 1, 1}); };
    CHECK(worst(column(level.alpha) * x0 + column(level.sigma) * eps, all.at("noisy")) < 1e-5);
    const Tensor residual = model->denoiser()->residual(x0, eps, t, {});
    CHECK(worst(residual + eps, all.at("answer")) < 1e-5);

    TrainOptions train;
    train.weight_decay = 0.01;
    ParameterGroup group;
    for (const auto& p : model->module().named_parameters())
        group.parameters.emplace_back(p.key(), p.value());
    Optimiser optimiser({group}, train);
    const Tensor loss = denoising_errors(*model->denoiser(), x0, eps, t, {}).mean();
    CHECK(loss.item<double>() == doctest::Approx(all.at("loss").item<double>()).epsilon(1e-5));
    loss.backward();
    const NamedTensors gradients = part(all, "gradients."), stepped = part(all, "stepped.");
    for (const auto& p : model->module().named_parameters()) {
        CAPTURE(p.key());
        CHECK(worst(p.value().grad(), gradients.at(p.key())) < 1e-5);
    }
    optimiser.step(1e-4);
    double sum = 0, count = 0;
    for (const auto& p : model->module().named_parameters()) {
        CAPTURE(p.key());
        CHECK(worst(p.value(), stepped.at(p.key())) < 1e-5);
        sum += (p.value() - stepped.at(p.key())).abs().sum().item<double>();
        count += static_cast<double>(p.value().numel());
    }
    // A step of Adam is 1e-4 long, so 1e-5 alone would let a tenth of it be wrong. It is for the
    // few gradients near zero, whose rounding decides their sign.
    CHECK(sum / count < 1e-8);
}
