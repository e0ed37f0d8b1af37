#include "pushforward/metrics/validation_loss.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/objectives/denoising.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <iomanip>

namespace pushforward {
namespace {

constexpr std::int64_t kRanges = 5;

Measurement mean_of(const Tensor& losses) {
    const auto n = losses.size(0);
    return {losses.mean().item<double>(),
            losses.std().item<double>() / std::sqrt(static_cast<double>(n)), n,
            "squared model units", false};
}

class ValidationLoss : public Metric {
public:
    std::string refusal(const Judged& judged) const override {
        if (!judged.model) return "it needs a model";
        if (!judged.model->denoiser()) return "this model is no denoiser";
        if (!judged.held_out_model || judged.held_out_model->size() < 2)
            return "it needs 2 held-out rows";
        return "";
    }

    std::vector<std::pair<std::string, Measurement>> evaluate(const Judged& judged) const override {
        const torch::NoGradGuard no_grad;
        const Denoiser& model = *judged.model->denoiser();
        std::vector<std::pair<std::string, Measurement>> result(1);
        Tensor sum;
        for (std::int64_t range = 0; range < kRanges; ++range) {
            const Tensor losses =
                losses_in(model, *judged.held_out_model, range,
                          Rng(judged.seed).split(static_cast<std::uint64_t>(range)));
            sum = sum.defined() ? sum + losses : losses;
            result.emplace_back(name_of(model.path(), range), mean_of(losses));
        }
        result.front() = {"validation_loss", mean_of(sum / kRanges)};
        return result;
    }

private:
    /// One loss a row, at a time of the row's own from the range.
    static Tensor losses_in(const Denoiser& model, const Batch& rows, std::int64_t range,
                            const Rng& stream) {
        const std::int64_t n = rows.size(), chunk = 256;
        std::vector<Tensor> parts;
        for (std::int64_t i = 0; i < n; i += chunk) {
            const Batch part = rows.slice(i, std::min(i + chunk, n));
            Rng rng = stream.rows_from(i);
            const Tensor u = rng.uniform({part.size()}, torch::kDouble);
            const Tensor t = model.path().training_time((u + range) / kRanges);
            const Tensor eps = rng.normal(part.x.sizes(), torch::kFloat, part.x.device());
            parts.push_back(denoising_errors(model, part.x, eps, t.to(part.x.device()), part.c)
                                .to(torch::kCPU, torch::kDouble));
        }
        return torch::cat(parts);
    }

    static std::string name_of(const Path& path, std::int64_t range) {
        const Tensor middle =
            torch::full({1}, (static_cast<double>(range) + 0.5) / kRanges, torch::kDouble);
        std::ostringstream name;
        name << "validation_loss/t=" << std::setprecision(2)
             << path.training_time(middle).item<double>();
        return name.str();
    }
};

}  // namespace

std::unique_ptr<Metric> make_validation_loss() {
    return std::make_unique<ValidationLoss>();
}

}  // namespace pushforward
