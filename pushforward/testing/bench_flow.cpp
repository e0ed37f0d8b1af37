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

/// The items of a case: a step's rows, and those that are scored or drawn.
struct Items {
    std::vector<std::int64_t> event;
    std::int64_t trained, drawn;

    std::vector<std::int64_t> shape(std::int64_t rows) const {
        return shape_of({Kind::real, event, 0}, rows);
    }
    std::string wanted() const {  // "[B, 3, 32, 32]"
        std::string all = "[B";
        for (const auto size : event) all += text(", ", size);
        return all + "]";
    }
};

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

/// Three levels of sixteen steps.
std::unique_ptr<Model> glow(const DataSpec& spec) {
    return make_glow({}, {}, spec);
}

std::unique_ptr<Model> ready(const BenchRequest& request, Build build, const Items& items) {
    auto model = build({{Kind::real, items.event, 0}, {}});
    if (!request.weights.empty())
        copy_tensors(weights_of(model->module()), read_tensors(request.weights),
                     request.weights.string());
    model->module().to(request.device);
    return model;
}

Tensor loss_of(const Model& model, const Tensor& x) {
    return -model.density()->log_prob(x, {}, "exact", Rng(0)).mean();
}

BenchResult train(const BenchRequest& request, Build build, const Items& items) {
    const auto model = ready(request, build, items);
    std::optional<double> loss;
    if (!request.batch.empty()) {
        const at::NoGradGuard no_grad;
        const Tensor x = read_tensors(request.batch)["x"];
        if (!x.defined() || x.dim() == 0 || x.sizes() != at::IntArrayRef(items.shape(x.size(0))))
            throw DataError(request.batch.string(), "x", "expected an array x " + items.wanted());
        loss = loss_of(*model, x.to(request.device, at::kFloat)).item<double>();
    }
    Optimiser optimiser({all_parameters(*model)}, TrainOptions{});
    const Tensor x = Rng(1).normal(items.shape(items.trained), at::kFloat, request.device);
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
BenchResult rows_a_second(const Items& items, F draw) {
    BenchResult result;
    result.seconds = median_seconds(draw, 2);
    result.value = static_cast<double>(items.drawn) / result.seconds;
    result.unit = "rows/s";
    return result;
}

BenchResult density(const BenchRequest& request, Build build, const Items& items) {
    const auto model = ready(request, build, items);
    const at::NoGradGuard no_grad;
    const Tensor x = Rng(1).normal(items.shape(items.drawn), at::kFloat, request.device);
    return rows_a_second(items, [&] { loss_of(*model, x); });
}

BenchResult sample(const BenchRequest& request, Build build, const Items& items) {
    const auto model = ready(request, build, items);
    SampleRequest draw;
    draw.n = items.drawn;
    draw.device = request.device;
    return rows_a_second(items, [&] { model->sample(draw, Rng(1)); });
}

}  // namespace

std::vector<BenchCase> flow_bench_cases() {
    const std::vector<std::pair<std::string, Build>> kinds = {
        {"spline", spline}, {"real-nvp", real_nvp}, {"maf", maf}};
    std::vector<BenchCase> cases;
    const auto add = [&](const std::string& name, const std::string& of, const std::string& end,
                         Build build, const Items& items) {
        const auto one = [&](const std::string& what, const std::string& summary, auto run) {
            cases.push_back({text(name, "-", what, end), summary + of,
                             [=](const BenchRequest& r) { return run(r, build, items); }});
        };
        one("train", text("one training step on ", items.trained, " rows"), train);
        one("log-prob", text("the density of ", items.drawn, " rows"), density);
        one("sample", text(items.drawn, " samples"), sample);
    };
    for (const auto& [name, build] : kinds)
        for (const std::int64_t d : {6, 64})
            add(name, text(" of a ", name, " flow in ", d, " dimensions"), text("-", d), build,
                {{d}, 512, 4096});
    add("glow", " of glow on 3 x 32 x 32", "", glow, {{3, 32, 32}, 16, 16});
    return cases;
}

}  // namespace pushforward
