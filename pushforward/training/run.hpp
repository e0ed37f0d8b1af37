#pragma once

#include "pushforward/core/model.hpp"
#include "pushforward/data/description.hpp"
#include "pushforward/training/recipe.hpp"
#include "pushforward/training/run_folder.hpp"

#include <functional>
#include <memory>

namespace pushforward {

/// The type that networks compute in: what the recipe says, and for `automatic` bfloat16 where the
/// model allows it and the hardware multiplies it faster (AMX, AVX-512 BF16, GPUs), else float32.
at::ScalarType resolve_precision(Precision wanted, const Model& model, at::Device device);
/// "auto", "cpu", "cuda", "cuda:N"; UsageError when there is no such device.
at::Device resolve_device(const std::string& name);

/// What a model is built for: the data's space and, when the recipe conditions on them, its fields.
DataSpec model_spec(const Recipe& recipe, const DataSpec& data);

/// A recipe's model with fresh weights that are a function of `seed`.
std::unique_ptr<Model> make_model(const Recipe& recipe, const DataSpec& spec, std::uint64_t seed);

/// A trained model with all that it remembers.
struct OpenedRun {
    RunFolder folder;
    Recipe recipe;
    DataDescription description;
    std::unique_ptr<Model> model;
    at::Device device = at::kCPU;
};

/// Opens a run to use it. `sets` may change [sample] and [eval]; anything else is a UsageError.
/// Networks compute in `precision` where it is not automatic, else in float32.
OpenedRun open_run(const std::string& folder, const std::vector<std::string>& sets = {},
                   at::Device device = at::kCPU, Precision precision = Precision::float32);

/// What leads samples away from the model's own law, or on from something: another model, items, or
/// symbols.
struct Steering {
    const Model* guide = nullptr;
    Draft draft = {};  ///< its items in the data's own units
    Prompt prompt = {};
};

/// n samples of any model in the data's own units, drawn `batch` at a time; sample i depends on
/// (seed, i) alone. `conditions` has n rows in the data's own units, or is empty. `progress` hears
/// how many are done. UsageError for a model that draws none, a draft for one that does not
/// denoise, or a prompt for one that says no symbols.
Samples draw_samples(const Model& model, const Scaling& scaling, std::int64_t n,
                     const Condition& conditions, std::uint64_t seed, std::int64_t batch,
                     at::Device device, const std::function<void(std::int64_t)>& progress = {},
                     const Steering& steering = {});

}  // namespace pushforward
