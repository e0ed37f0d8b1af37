#include "pushforward/audit/picture_truth.hpp"

#include "pushforward/audit/differential.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/recipe_text.hpp"
#include "pushforward/math/jacobian.hpp"
#include "pushforward/training/scoring.hpp"

#include <torch/types.h>

#include <cmath>

namespace pushforward {

std::string pixels_data(const PixelOptions& law, std::int64_t n, std::uint64_t seed) {
    return text("sim:pixels?channels=", law.channels, "&size=", law.size,
                "&law=", law.law == PixelLaw::uniform ? "uniform" : "normal",
                "&correlation=", law.correlation, "&deviation=", law.deviation,
                "&levels=", law.levels ? "true" : "false", "&n=", n, "&seed=", seed);
}

Mean bits_short_of(const PixelOptions& law, const OpenedRun& run, std::int64_t n,
                   std::uint64_t seed) {
    ScoreRequest request;
    request.data = pixels_data(law, n, seed);
    request.seed = seed;
    const Tensor exact = make_pixels(law)->log_prob(all_of(request.data));
    const auto numbers = static_cast<double>(law.channels * law.size * law.size);
    return mean_of((exact - score_run(run, request).log_prob) / (numbers * std::log(2.0)));
}

double worst_log_det(const PixelOptions& law, const OpenedRun& run, std::int64_t rows,
                     std::uint64_t seed) {
    const Tensor x =
        run.description.scaling.to_model(all_of(pixels_data(law, rows, seed)).to(torch::kFloat))
            .to(torch::kDouble);
    const auto encode = [&](const Tensor& flat) {
        return run.model->latent()->encode(flat.view(x.sizes()), {}, Rng(0)).mean.flatten(1);
    };
    const Linearised at = linearise(
        [&](const Tensor& flat) { return encode(flat.view({-1, x[0].numel()})); }, x.flatten(1));
    const Tensor base = standard_normal_log_density(at.value);
    const torch::NoGradGuard no_grad;
    const Tensor log_p = run.model->density()->log_prob(x, {}, "exact", Rng(0));
    return (log_p - base - std::get<1>(torch::linalg_slogdet(at.jacobian)))
        .abs()
        .max()
        .item<double>();
}

}  // namespace pushforward
