#include "pushforward/audit/denoising_truth.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/base/json.hpp"
#include "pushforward/data/source.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace pushforward {

Noised noised(const NoiseChain& chain, const Tensor& x0, Rng rng) {
    const auto n = x0.size(0), T = chain.steps();
    const Tensor step = torch::arange(n, torch::kLong).mul(T).div(n, "floor") + 1;
    std::vector<std::int64_t> shape(static_cast<std::size_t>(x0.dim()), 1);
    shape[0] = n;
    const Tensor abar = torch::tensor(chain.abar, torch::kDouble).index_select(0, step).view(shape);
    Noised out;
    out.x0 = x0.to(torch::kDouble);
    out.eps = rng.normal(x0.sizes(), torch::kDouble);
    out.alpha = abar.sqrt();
    out.sigma = (1 - abar).sqrt();
    out.x = out.alpha * out.x0 + out.sigma * out.eps;
    out.time = step.to(torch::kDouble) / static_cast<double>(T);
    return out;
}

Tensor believed_epsilon(const Denoiser& model, const Noised& batch, std::int64_t chunk) {
    const torch::NoGradGuard no_grad;
    std::vector<Tensor> parts;
    for (std::int64_t i = 0; i < batch.x.size(0); i += chunk)
        parts.push_back(model
                            .predict_x0(batch.x.slice(0, i, i + chunk).to(torch::kFloat),
                                        batch.time.slice(0, i, i + chunk), {})
                            .x0.to(torch::kDouble));
    return (batch.x - batch.alpha * torch::cat(parts)) / batch.sigma;
}

Tensor per_item(const Tensor& squares) {
    return squares.flatten(1).mean(1);
}

Mean mean_of(const Tensor& values) {
    return {values.mean().item<double>(),
            values.std().item<double>() / std::sqrt(static_cast<double>(values.size(0)))};
}

Tensor all_of(const std::string& data) {
    const auto source = open_data(data);
    std::vector<std::int64_t> rows(static_cast<std::size_t>(source->size()));
    std::iota(rows.begin(), rows.end(), std::int64_t{0});
    return source->get(rows).x.to(torch::kDouble);
}

std::string cosine_training(const CosineTraining& t) {
    return text("[train]\nsteps = ", t.steps, "\nbatch = ", t.batch,
                "\nlearning_rate = ", t.learning_rate,
                "\nschedule = \"cosine\"\nwarmup = ", t.warmup, "\nema_half_life = ", t.half_life,
                "\nprecision = \"float32\"\n", weights_only_training);
}

std::string gaussian_recipe(double lambda, const std::string& schedule, std::int64_t steps,
                            std::int64_t updates, std::uint64_t seed, const std::string& options) {
    return text("[data]\nsource = \"sim:mixture?dimension=1&means=0&sigma=",
                number_text(std::sqrt(lambda)), "&n=200000&seed=", seed,
                "\"\nvalidation = 0.0\nscale = false\n"
                "[model]\nname = \"ddpm\"\nprediction = \"epsilon\"\nschedule = \"",
                schedule, "\"\nsteps = ", steps, options, R"(
[model.network]
name = "mlp"
width = 64
layers = 3
features = 0
)",
                cosine_training({.steps = updates,
                                 .batch = 2048,
                                 .learning_rate = "2e-3",
                                 .warmup = 50,
                                 .half_life = 50}));
}

}  // namespace pushforward
