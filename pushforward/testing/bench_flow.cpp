#include "pushforward/testing/bench_flow.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/core/weights.hpp"
#include "pushforward/families/flow/models.hpp"
#include "pushforward/objectives/parts.hpp"
#include "pushforward/testing/peaks.hpp"
#include "pushforward/training/optimiser.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <torch/nn/module.h>

namespace pushforward {
namespace {

constexpr std::int64_t kTrained = 512, kDrawn = 4096;

using Build = std::unique_ptr<Model> (*)(const DataSpec&);

template <class O>
O five_layers() {
    O options;
    options.transforms = 5;
    options.width = 128;
    options.layers = 2;
    options.act_norm = false;
    return options;
}

std::unique_ptr<Model> spline(const DataSpec& spec) {
    auto options = five_layers<SplineOptions>();
    options.bins = 8;
    options.bound = 3;
    options.mixing = Mixing::none;
    return make_spline_flow(options, {}, spec);
}
std::unique_ptr<Model> real_nvp(const DataSpec& spec) {
    return make_real_nvp(five_layers<RealNvpOptions>(), {}, spec);
}
std::unique_ptr<Model> maf(const DataSpec& spec) {
    return make_maf(five_layers<MafOptions>(), {}, spec);
}

std::unique_ptr<Model> ready(const BenchRequest& request, Build build, std::int64_t d) {
    auto model = build({{Kind::real, {d}, 0}, {}});
    if (!request.weights.empty())
        copy_tensors(weights_of(model->module()), read_tensors(request.weights),
                     request.weights.string());
    model->module().to(request.device);
    return model;
}

Tensor loss_of(const Model& model, const Tensor& x) {
    return -model.density()->log_prob(x, {}, "exact", Rng(0)).mean();
}

BenchResult train(const BenchRequest& request, Build build, std::int64_t d) {
    const auto model = ready(request, build, d);
    std::optional<double> loss;
    if (!request.batch.empty()) {
        const at::NoGradGuard no_grad;
        const Tensor x = read_tensors(request.batch)["x"];
        if (!x.defined() || x.dim() != 2 || x.size(1) != d)
            throw DataError(request.batch.string(), "x", text("expected an array x [B, ", d, "]"));
        loss = loss_of(*model, x.to(request.device, at::kFloat)).item<double>();
    }
    Optimiser optimiser({all_parameters(*model)}, TrainOptions{});
    const Tensor x = Rng(1).normal({kTrained, d}, at::kFloat, request.device);
    const auto step = [&] {
        loss_of(*model, x).backward();
        optimiser.step(1e-3);
        optimiser.zero_grad();
    };
    BenchResult result = timed_step(step, 2);
    result.loss = loss;
    return result;
}

template <class F>
BenchResult rows_a_second(F draw) {
    BenchResult result;
    result.seconds = median_seconds(draw, 2);
    result.value = static_cast<double>(kDrawn) / result.seconds;
    result.unit = "rows/s";
    return result;
}

BenchResult density(const BenchRequest& request, Build build, std::int64_t d) {
    const auto model = ready(request, build, d);
    const at::NoGradGuard no_grad;
    const Tensor x = Rng(1).normal({kDrawn, d}, at::kFloat, request.device);
    return rows_a_second([&] { loss_of(*model, x); });
}

BenchResult sample(const BenchRequest& request, Build build, std::int64_t d) {
    const auto model = ready(request, build, d);
    SampleRequest draw;
    draw.n = kDrawn;
    draw.device = request.device;
    return rows_a_second([&] { model->sample(draw, Rng(1)); });
}

}  // namespace

std::vector<BenchCase> flow_bench_cases() {
    const std::vector<std::pair<std::string, Build>> kinds = {
        {"spline", spline}, {"real-nvp", real_nvp}, {"maf", maf}};
    std::vector<BenchCase> cases;
    for (const auto& [name, build] : kinds)
        for (const std::int64_t d : {6, 64}) {
            const auto add = [&, b = build](const std::string& what, const std::string& summary,
                                            auto run) {
                cases.push_back({text(name, "-", what, "-", d),
                                 text(summary, " of a ", name, " flow in ", d, " dimensions"),
                                 [=](const BenchRequest& r) { return run(r, b, d); }});
            };
            add("train", "one training step on 512 rows", train);
            add("log-prob", "the density of 4096 rows", density);
            add("sample", "4096 samples", sample);
        }
    return cases;
}

}  // namespace pushforward
