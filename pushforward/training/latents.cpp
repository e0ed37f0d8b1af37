#include "pushforward/training/latents.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/base/npz.hpp"
#include "pushforward/core/weights.hpp"
#include "pushforward/families/capabilities.hpp"
#include "pushforward/math/slerp.hpp"
#include "pushforward/training/evaluation.hpp"

#include <torch/types.h>

#include <algorithm>
#include <numeric>

namespace pushforward {
namespace {

constexpr const char* kCondition = "condition.";

/// Calls `part(first, end)` for each batch of n rows.
void in_batches(std::int64_t n, const LatentRequest& request,
                const std::function<void(std::int64_t, std::int64_t)>& part) {
    PF_CHECK(n > 0, "latents", "at least 1 row", n);
    for (std::int64_t first = 0; first < n; first += request.batch) {
        const std::int64_t end = std::min(first + request.batch, n);
        part(first, end);
        if (request.progress) request.progress(end, n);
    }
}

}  // namespace

const Latent& latent_of(const Model& model, const std::string& name, const std::string& verb) {
    if (const Latent* latent = model.latent()) return *latent;
    throw UsageError(
        text(verb, ": ", name, " has no latent space; models that have one: ",
             models_that([](const Model& other) { return other.latent() != nullptr; })));
}

Latents encode_rows(const OpenedRun& run, const Source& data, const LatentRequest& request) {
    const Latent& latent = latent_of(*run.model, run.recipe.model.name, "encode");
    const Scaling& scaling = run.description.scaling;
    const Rng encoder = Rng(request.seed).split(0), noise = Rng(request.seed).split(1);
    const torch::NoGradGuard no_grad;
    std::vector<Tensor> mean, deviation, z;
    std::map<std::string, std::vector<Tensor>> conditions;
    in_batches(data.size(), request, [&](std::int64_t first, std::int64_t end) {
        std::vector<std::int64_t> rows(static_cast<std::size_t>(end - first));
        std::iota(rows.begin(), rows.end(), first);
        Batch batch = data.get(rows);
        batch.c = known_conditions(run.model->spec(), batch.c);
        for (const auto& [name, value] : batch.c.value) conditions[name].push_back(value);
        const Batch model = scaling.to_model(batch).to(run.device);
        const Posterior q = latent.encode(model.x, model.c, encoder.rows_from(first));
        mean.push_back(q.mean.cpu());
        deviation.push_back(q.std.defined() ? q.std.cpu() : torch::zeros_like(mean.back()));
        z.push_back(mean.back() + deviation.back() * noise.rows_from(first).normal(q.mean.sizes()));
    });
    Latents latents{torch::cat(mean), torch::cat(deviation), torch::cat(z), {}};
    for (const auto& [name, parts] : conditions) latents.c.value[name] = torch::cat(parts);
    return latents;
}

Tensor decode_rows(const OpenedRun& run, const Tensor& z, const Condition& c,
                   const LatentRequest& request) {
    const Latent& latent = latent_of(*run.model, run.recipe.model.name, "decode");
    const Condition all = run.description.scaling.to_model(c);
    const Rng rng = Rng(request.seed).split(2);
    const torch::NoGradGuard no_grad;
    std::vector<Tensor> x;
    in_batches(z.size(0), request, [&](std::int64_t first, std::int64_t end) {
        const Tensor part =
            latent.decode(z.slice(0, first, end).to(run.device),
                          all.slice(first, end).to(run.device), rng.rows_from(first));
        x.push_back(run.description.scaling.to_data(part.cpu()));
    });
    return torch::cat(x);
}

double round_trip(const OpenedRun& run, const Source& data, const Latents& latents,
                  const LatentRequest& request) {
    std::vector<std::int64_t> rows(static_cast<std::size_t>(std::min(request.batch, data.size())));
    std::iota(rows.begin(), rows.end(), 0);
    const auto n = static_cast<std::int64_t>(rows.size());
    LatentRequest quiet = request;
    quiet.progress = {};
    const Tensor back = decode_rows(run, latents.mean.slice(0, 0, n), latents.c.slice(0, n), quiet);
    return (back - data.get(rows).x).to(torch::kDouble).square().mean().sqrt().item<double>();
}

Interpolation interpolate_rows(const OpenedRun& run, const Latents& a, const Latents& b,
                               std::int64_t steps, const LatentRequest& request) {
    const std::int64_t pairs = a.z.size(0);
    Interpolation path;
    std::vector<Tensor> z;
    std::map<std::string, std::vector<Tensor>> conditions;
    for (std::int64_t k = 0; k < steps; ++k) {
        const double share = static_cast<double>(k) / static_cast<double>(steps - 1);
        z.push_back(slerp(a.mean, b.mean, share));
        for (const auto& [name, value] : (share < 0.5 ? a : b).c.value)
            conditions[name].push_back(value);
    }
    const auto by_pair = [](const std::vector<Tensor>& parts) {
        return torch::stack(parts, 1).flatten(0, 1);
    };
    for (const auto& [name, parts] : conditions) path.c.value[name] = by_pair(parts);
    path.pair = torch::arange(pairs, torch::kLong).repeat_interleave(steps);
    path.share = torch::linspace(0, 1, steps, torch::kDouble).repeat({pairs});
    path.x = decode_rows(run, by_pair(z), path.c, request);
    return path;
}

void write_latents(const std::filesystem::path& file, const Latents& latents) {
    NamedArrays arrays{{"mean", to_array(latents.mean)},
                       {"std", to_array(latents.std)},
                       {"z", to_array(latents.z)}};
    for (const auto& [name, value] : latents.c.value)
        arrays.emplace_back(kCondition + name, to_array(value));
    write_npz(file, arrays);
}

Latents read_latents(const std::filesystem::path& file, const OpenedRun& run) {
    const LatentSpace space = latent_of(*run.model, run.recipe.model.name, "decode").latent_space();
    std::map<std::string, Tensor> arrays;
    for (const auto& [name, array] : read_npz(map_file(file))) arrays[name] = to_tensor(array);
    const auto refuse = [&](const std::string& place, const std::string& what) {
        throw DataError(file.string(), place, what);
    };
    if (!arrays.contains("z")) refuse("z", "the array is missing");
    Latents latents;
    latents.z = arrays["z"].to(torch::kFloat);
    const std::int64_t n = latents.z.dim() > 0 ? latents.z.size(0) : 0;
    const auto check = [&](const std::string& name, const Space& wanted) {
        const auto sizes = arrays[name].sizes();
        if (n == 0 || sizes != at::IntArrayRef(shape_of(wanted, n)))
            refuse(name, text("expected [N", wanted.event.empty() ? "" : ", ",
                              shape_text(wanted.event).substr(1), ", got ", sizes));
        if (!arrays[name].isfinite().all().item<bool>())
            refuse(name, "expected finite numbers, got others");
    };
    check("z", space.space);
    for (const auto& [name, value] : arrays) {
        if (name.rfind(kCondition, 0) != 0) continue;
        const Field* field =
            run.model->spec().condition(name.substr(std::string(kCondition).size()));
        if (!field) refuse(name, "this model has no such condition");
        check(name, field->space);
        const bool label = field->space.kind == Kind::symbol;
        if (label && !((value >= 0) & (value < field->space.symbols)).all().item<bool>())
            refuse(name, text("expected labels from 0 to ", field->space.symbols - 1));
        latents.c.value[field->name] = value.to(label ? torch::kLong : torch::kFloat);
    }
    return latents;
}

}  // namespace pushforward
