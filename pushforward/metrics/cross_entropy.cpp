#include "pushforward/metrics/cross_entropy.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace pushforward {
namespace {

/// The bytes that the symbols stand for.
std::int64_t bytes_of(const Tensor& symbols, const Vocabulary& vocabulary) {
    const Tensor flat = symbols.contiguous();
    const auto* s = flat.const_data_ptr<std::int64_t>();
    std::int64_t bytes = 0;
    for (std::int64_t i = 0; i < flat.numel(); ++i)
        if (s[i] >= 0)
            bytes +=
                static_cast<std::int64_t>(vocabulary.spelling(static_cast<Symbol>(s[i])).size());
    return bytes;
}

class CrossEntropy : public Metric {
public:
    std::string refusal(const Judged& judged) const override {
        if (!judged.model) return "it needs a model";
        if (!judged.model->sequential() || !judged.model->spec().x.is_sequence())
            return "this model is none of text";
        if (!judged.held_out_model || judged.held_out_model->size() < 1)
            return "it needs held-out text";
        return "";
    }

    std::vector<std::pair<std::string, Measurement>> evaluate(const Judged& judged) const override {
        const torch::NoGradGuard no_grad;
        const Sequential& model = *judged.model->sequential();
        const Batch& rows = *judged.held_out_model;
        std::vector<Tensor> parts;
        std::int64_t bytes = 0;
        constexpr std::int64_t chunk = 64;
        for (std::int64_t i = 0; i < rows.size(); i += chunk) {
            const Batch part = rows.slice(i, std::min(i + chunk, rows.size()));
            const Tensor symbols = model.to_symbols(part.x);
            const Tensor log_p = model.log_probs(symbols, part.c).to(torch::kDouble);
            parts.push_back(-log_p.masked_select(symbols.ge(0)).cpu());
            if (judged.vocabulary) bytes += bytes_of(symbols.cpu(), *judged.vocabulary);
        }
        const Tensor nats = torch::cat(parts);
        const std::int64_t n = nats.size(0);
        const double mean = nats.mean().item<double>(), bit = std::log(2.0),
                     error =
                         n > 1 ? nats.std().item<double>() / std::sqrt(static_cast<double>(n)) : 0;
        std::vector<std::pair<std::string, Measurement>> found = {
            {"cross_entropy", {mean, error, n, "nats a symbol", false, "exact"}},
            {"cross_entropy/bits", {mean / bit, error / bit, n, "bits a symbol", false, "exact"}},
            {"cross_entropy/perplexity",
             {std::exp(mean), std::exp(mean) * error, n, "symbols", false, "exact"}}};
        if (bytes > 0) {
            const double share = static_cast<double>(n) / static_cast<double>(bytes) / bit;
            found.emplace_back(
                "cross_entropy/bits_per_byte",
                Measurement{mean * share, error * share, n, "bits a byte", false, "exact"});
        }
        return found;
    }
};

}  // namespace

std::unique_ptr<Metric> make_cross_entropy() {
    return std::make_unique<CrossEntropy>();
}

}  // namespace pushforward
