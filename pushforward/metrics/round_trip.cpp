#include "pushforward/metrics/round_trip.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace pushforward {
namespace {

class RoundTrip : public Metric {
public:
    std::string refusal(const Judged& judged) const override {
        if (!judged.model) return "it needs a model";
        if (!judged.model->latent()) return "this model has no latents";
        if (!judged.held_out_model || judged.held_out_model->size() < 2)
            return "it needs 2 held-out rows";
        return "";
    }

    std::string reservation(const Judged& judged) const override {
        return judged.model->denoiser() ? "it takes long" : "";  // an ODE both ways
    }

    std::vector<std::pair<std::string, Measurement>> evaluate(const Judged& judged) const override {
        const torch::NoGradGuard no_grad;
        const Latent& latent = *judged.model->latent();
        const Batch& rows = *judged.held_out_model;
        const std::int64_t n = rows.size(), chunk = 256;
        std::vector<Tensor> parts;
        for (std::int64_t i = 0; i < n; i += chunk) {
            const Batch part = rows.slice(i, std::min(i + chunk, n));
            const Rng rng = Rng(judged.seed).rows_from(i);
            const Tensor z = latent.encode(part.x, part.c, rng.split(0)).mean,
                         back = latent.decode(z, part.c, rng.split(1));
            parts.push_back(
                (back - part.x).abs().flatten(1).amax(1).to(torch::kCPU, torch::kDouble));
        }
        const Tensor error = torch::cat(parts);
        const double spread = error.std().item<double>() / std::sqrt(static_cast<double>(n));
        return {{"round_trip", {error.mean().item<double>(), spread, n, "model units", false}},
                {"round_trip/worst", {error.max().item<double>(), 0, n, "model units", false}}};
    }
};

}  // namespace

std::unique_ptr<Metric> make_round_trip() {
    return std::make_unique<RoundTrip>();
}

}  // namespace pushforward
