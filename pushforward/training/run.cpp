#include "pushforward/training/run.hpp"

#include "pushforward/base/cpu.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/core/weights.hpp"
#include "pushforward/data/description_json.hpp"
#include "pushforward/families/capabilities.hpp"

#include <torch/cuda.h>
#include <torch/nn/module.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>

namespace pushforward {

at::ScalarType resolve_precision(Precision wanted, const Model& model, at::Device device) {
    at::ScalarType dtype = at::kFloat;
    switch (wanted) {
        case Precision::float32:
            break;
        case Precision::bfloat16:
            dtype = at::kBFloat16;
            break;
        case Precision::float64:
            dtype = at::kDouble;
            break;
        case Precision::automatic:
            if (model.allows(at::kBFloat16) &&
                (device.is_cuda() || cpu_features().multiplies_bfloat16()))
                dtype = at::kBFloat16;
            return dtype;
    }
    PF_CHECK(model.allows(dtype), "precision", "one that this model computes in",
             at::toString(dtype));
    return dtype;
}

at::Device resolve_device(const std::string& name) {
    const int count = torch::cuda::is_available() ? torch::cuda::device_count() : 0;
    if (name == "cpu" || (name == "auto" && count == 0)) return at::kCPU;
    if (name == "auto") return at::Device(at::kCUDA, 0);
    if (name == "cuda" || name.rfind("cuda:", 0) == 0) {
        const std::string digits = name == "cuda" ? "0" : name.substr(5);
        const bool number = !digits.empty() && digits.size() < 4 &&
                            digits.find_first_not_of("0123456789") == std::string::npos;
        if (number && std::stoi(digits) < count)
            return at::Device(at::kCUDA, static_cast<at::DeviceIndex>(std::stoi(digits)));
        throw UsageError(text("--device ", name, ": this machine shows ", count, " CUDA devices"));
    }
    throw UsageError("--device " + name + ": expected auto, cpu, cuda or cuda:N");
}

DataSpec model_spec(const Recipe& recipe, const DataSpec& data) {
    DataSpec spec = data;
    if (!recipe.data.conditional) spec.conditions.clear();
    return spec;
}

std::unique_ptr<Model> make_model(const Recipe& recipe, const DataSpec& spec, std::uint64_t seed) {
    at::manual_seed(
        Rng(seed).split(0).key());  // module initialisers draw from LibTorch's generator
    return catalogue_entry(recipe.model.name).make(*recipe.model.options, *recipe.sample, spec);
}

namespace {
void check_only_use(const std::vector<std::string>& sets) {
    for (const auto& s : sets)
        if (s.rfind("sample.", 0) != 0 && s.rfind("eval.", 0) != 0)
            throw UsageError("--set " + s +
                             ": a trained run's model and data stay as they are; only sample.* and "
                             "eval.* can be set here");
}
}  // namespace

OpenedRun open_run(const std::string& folder, const std::vector<std::string>& sets,
                   at::Device device, Precision precision) {
    check_only_use(sets);
    RunFolder run = RunFolder::open(folder);
    Recipe recipe = parse_recipe(std::string(read_file(run.recipe(), 1 << 20).text()),
                                 run.recipe().string(), sets);
    DataDescription description = read_description(read_file(run.data()));
    auto model = make_model(recipe, model_spec(recipe, description.spec), 0);
    load_weights(*model, run.weights());
    model->module().to(device);
    model->module().eval();
    model->compute_in(resolve_precision(precision, *model, device));
    return {std::move(run), std::move(recipe), std::move(description), std::move(model), device};
}

namespace {
/// One below the other; sequences of symbols are made as long as the longest.
Tensor cat_rows(std::vector<Tensor> parts) {
    if (parts[0].scalar_type() == at::kLong && parts[0].dim() == 2) {
        std::int64_t longest = 0;
        for (const Tensor& part : parts) longest = std::max(longest, part.size(1));
        for (Tensor& part : parts)
            part = torch::constant_pad_nd(part, {0, longest - part.size(1)}, -1);
    }
    return torch::cat(parts);
}
}  // namespace

Samples draw_samples(const Model& model, const Scaling& scaling, std::int64_t n,
                     const Condition& conditions, std::uint64_t seed, std::int64_t batch,
                     at::Device device, const std::function<void(std::int64_t)>& progress,
                     const Steering& steering) {
    const Draft& draft = steering.draft;
    PF_CHECK(n >= 1, "sample", "at least 1 sample", n);
    PF_CHECK(batch >= 1, "sample", "batches of at least 1", batch);
    if (draft.x.defined() && !model.denoiser())
        throw UsageError("sample: this model does not begin from given items; models that do: " +
                         models_that([](const Model& m) { return m.denoiser() != nullptr; }));
    if (steering.prompt.symbols.defined() && !model.sequential())
        throw UsageError("sample: this model goes on from no text; models that do: " +
                         models_that([](const Model& m) { return m.spec().x.is_sequence(); }));
    const Condition all = scaling.to_model(conditions);
    Samples out;
    std::vector<Tensor> x, log_prob;
    for (std::int64_t first = 0; first < n; first += batch) {
        const std::int64_t count = std::min(batch, n - first);
        SampleRequest request{
            count,          first,          all.slice(first, first + count).to(device),
            device,         steering.guide, draft,
            steering.prompt};
        const Tensor given = draft.x.defined() ? draft.x.slice(0, first, first + count) : draft.x;
        if (given.defined()) request.draft.x = scaling.to_model(given).to(device);
        if (draft.keep.defined()) request.draft.keep = draft.keep.to(device);
        Samples part = model.sample(request, Rng(seed).split(1));
        Tensor drawn = scaling.to_data(part.x.to(at::kCPU));
        if (draft.keep.defined())  // to the last bit, which the scaling may have rounded
            drawn = torch::where(draft.keep, given, drawn);
        x.push_back(drawn);
        if (part.log_prob.defined())
            log_prob.push_back(part.log_prob.to(at::kCPU) +
                               scaling.log_det(part.x.sizes().slice(1)));
        out.evaluations = std::max(out.evaluations, part.evaluations);
        if (progress) progress(first + count);
    }
    out.x = cat_rows(x);
    if (!log_prob.empty()) out.log_prob = torch::cat(log_prob);
    return out;
}

}  // namespace pushforward
