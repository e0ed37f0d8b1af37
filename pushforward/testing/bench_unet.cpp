#include "pushforward/testing/bench_unet.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/base/npz.hpp"
#include "pushforward/core/weights.hpp"
#include "pushforward/data/sources.hpp"
#include "pushforward/families/diffusion/ddpm.hpp"
#include "pushforward/nn/flops.hpp"
#include "pushforward/nn/unet.hpp"
#include "pushforward/objectives/denoising.hpp"
#include "pushforward/objectives/parts.hpp"
#include "pushforward/testing/peaks.hpp"
#include "pushforward/training/optimiser.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <torch/nn/module.h>

namespace pushforward {
namespace {

constexpr std::int64_t kSteps = 1000;

std::unique_ptr<Model> build(const BenchRequest& request) {
    DdpmOptions options;
    options.steps = kSteps;
    auto& net = dynamic_cast<UnetOptions&>(*options.network.options);
    net.channels = 64;
    net.multipliers = {1, 2, 2};
    net.blocks = 2;
    net.attention = {2};
    net.head_size = 8;
    DenoisingSampling sampling;
    sampling.steps = 50;
    sampling.grid = Grid::leading;
    sampling.clip = Clip::yes;
    auto model = make_ddpm(options, sampling, {{Kind::real, {1, 32, 32}, 0}, {}});
    if (!request.weights.empty())
        copy_tensors(weights_of(model->module()), read_tensors(request.weights),
                     request.weights.string());
    model->module().to(request.device);
    if (request.bfloat16) model->compute_in(at::kBFloat16);
    return model;
}

NamedTensors read_batch(const std::filesystem::path& file) {
    NamedTensors all;
    if (file.extension() == ".npz")
        for (const auto& [name, array] : read_npz(map_file(file))) all[name] = tensor_of(array);
    else
        all = read_tensors(file);
    const auto check = [&](const char* name, bool fits, const char* expected) {
        if (!fits) throw DataError(file.string(), name, text("expected ", expected));
    };
    check("x", all["x"].defined() && all["x"].dim() == 4 && all["x"].size(1) == 1,
          "an array x [B, 1, H, W]");
    check("noise", all["noise"].defined() && all["noise"].sizes() == all["x"].sizes(),
          "an array noise of x's shape");
    check("t",
          all["t"].defined() && all["t"].dim() == 1 && all["t"].size(0) == all["x"].size(0) &&
              all["t"].min().item<double>() >= 0 && all["t"].max().item<double>() < kSteps,
          "an array t [B] of steps from 0 to 999");
    return all;
}

/// Path times of steps counted from 0.
Tensor time_of(const Tensor& step) {
    return (step.to(at::kDouble) + 1) / kSteps;
}

}  // namespace

BenchResult bench_unet_train(const BenchRequest& request) {
    const auto model = build(request);
    const Denoiser& denoiser = *model->denoiser();
    std::optional<double> loss;
    if (!request.batch.empty()) {
        const at::NoGradGuard no_grad;
        NamedTensors batch = read_batch(request.batch);
        for (auto& [name, t] : batch) t = t.to(request.device);
        loss = denoising_errors(denoiser, batch["x"].to(at::kFloat), batch["noise"].to(at::kFloat),
                                time_of(batch["t"]), {})
                   .mean()
                   .item<double>();
    }
    TrainOptions options;
    options.weight_decay = 0.01;
    Optimiser optimiser({all_parameters(*model)}, options);
    Rng rng(1);
    const Tensor x = rng.normal({64, 1, 32, 32}, at::kFloat, request.device);
    const auto step = [&] {
        const Tensor noise = rng.normal(x.sizes(), at::kFloat, request.device);
        const Tensor t = time_of(rng.integers(0, kSteps, {64}, request.device));
        denoising_errors(denoiser, x, noise, t, {}).mean().backward();
        optimiser.step(1e-4);
        optimiser.zero_grad();
    };
    BenchResult result = timed_step(step, 5);
    result.loss = loss;
    return result;
}

BenchResult bench_unet_sample(const BenchRequest& request) {
    const auto model = build(request);
    SampleRequest draw;
    draw.n = 16;
    draw.device = request.device;
    BenchResult result;
    {
        const FlopCount flops;
        model->sample(draw, Rng(1));
        result.flops = flops.forward;
    }
    result.seconds = median_seconds([&] { model->sample(draw, Rng(1)); }, 5, 3);
    result.value = result.seconds;
    result.unit = "s";
    return result;
}

}  // namespace pushforward
