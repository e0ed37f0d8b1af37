#pragma once

#include "pushforward/audit/claim.hpp"
#include "pushforward/audit/truth.hpp"
#include "pushforward/core/model.hpp"

#include <string_view>

namespace pushforward {

/// A batch on a chain: x_k = sqrt(abar_k) x0 + sqrt(1 - abar_k) eps with row i at step k_i, the
/// k_i evenly spread over 1..T; float64 but for `time` = k / T, which is what a model is asked at.
struct Noised {
    Tensor x0, eps, x, alpha, sigma, time;
};
Noised noised(const NoiseChain& chain, const Tensor& x0, Rng rng);

/// The epsilon that a denoiser believes in: (x - alpha E[x0 | x]) / sigma, float64, asked in
/// float32 (as every verb does) `chunk` rows at a time. Only x and the time reach the model.
Tensor believed_epsilon(const Denoiser& model, const Noised& batch, std::int64_t chunk = 2000);

/// The mean over the event of squares, [N].
Tensor per_item(const Tensor& squares);
/// mean and its standard error of a float64 [N].
struct Mean {
    double value, standard_error;
};
Mean mean_of(const Tensor& values);

/// Every row of a data SPEC, float64.
Tensor all_of(const std::string& data);

/// Lines of [train] for a fit whose final weights alone count: nothing is saved, validated or drawn
/// on the way.
inline constexpr std::string_view weights_only_training = R"(
checkpoint_every = 0
validate_every = 0
sample_every = 0
log_every = 100
)";

/// [train] of such a fit in float32: AdamW, a cosine from `learning_rate` to zero after `warmup`
/// steps, averaged weights.
struct CosineTraining {
    std::int64_t steps, batch;
    std::string_view learning_rate;
    std::int64_t warmup, half_life;
};
std::string cosine_training(const CosineTraining& t);

/// The recipe of an epsilon-network on draws of N(0, lambda) in one dimension, on a chain of
/// `steps` noise levels, trained for `updates` steps; `options`: more lines of [model].
std::string gaussian_recipe(double lambda, const std::string& schedule, std::int64_t steps,
                            std::int64_t updates, std::uint64_t seed,
                            const std::string& options = "");

}  // namespace pushforward
