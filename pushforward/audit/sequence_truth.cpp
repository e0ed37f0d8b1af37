#include "pushforward/audit/sequence_truth.hpp"

#include "pushforward/audit/truth.hpp"
#include "pushforward/base/errors.hpp"

#include <torch/types.h>

#include <cmath>

namespace pushforward {

std::string symbols_recipe(const std::string& source, const std::string& model,
                           const CosineTraining& training, bool scale) {
    return text("[data]\nsource = \"", source,
                "\"\nvalidation = 0.0\nscale = ", scale ? "true" : "false", "\n[model]\n", model,
                "\n", cosine_training(training));
}

Tensor all_strings(std::int64_t symbols, std::int64_t n) {
    Tensor rest = torch::arange(static_cast<std::int64_t>(
        std::llround(std::pow(static_cast<double>(symbols), static_cast<double>(n)))));
    const Tensor strings = torch::empty({rest.size(0), n}, torch::kLong);
    for (std::int64_t i = n - 1; i >= 0; --i) {
        strings.select(1, i).copy_(rest % symbols);
        rest = rest.div(symbols, "floor");
    }
    return strings;
}

Tensor log_probs_of(const OpenedRun& run, const Tensor& symbols, std::int64_t chunk) {
    const torch::NoGradGuard no_grad;
    std::vector<Tensor> parts;
    for (const Tensor& rows : symbols.split(chunk))
        parts.push_back(run.model->density()
                            ->log_prob(run.model->sequential()->to_items(rows), {}, "exact", Rng(0))
                            .to(torch::kDouble));
    return torch::cat(parts);
}

double counts_p(const Tensor& counts, const Tensor& law) {
    const double n = counts.sum().item<double>();
    const auto [sorted, order] = (law / law.sum() * n).sort();
    const Tensor drawn = counts.index_select(0, order);
    const auto* expected = sorted.const_data_ptr<double>();
    const auto* seen = drawn.const_data_ptr<double>();
    double statistic = 0, e = 0, o = 0;
    std::int64_t cells = 0;
    for (std::int64_t i = 0; i < sorted.size(0); ++i) {
        if (expected[i] == 0 && seen[i] > 0) return 0;
        e += expected[i];
        o += seen[i];
        if (e < 5) continue;
        statistic += (o - e) * (o - e) / e;
        ++cells;
        e = o = 0;
    }
    return cells > 1 ? chi_square_p(statistic, cells - 1) : 1;
}

}  // namespace pushforward
