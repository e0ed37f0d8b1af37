#include "pushforward/metrics/accuracy.hpp"

#include "pushforward/base/errors.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace pushforward {
namespace {

/// Why the rows have no labels that this classifier knows; "" when they have.
std::string label_refusal(const Classifier& classifier, const Condition& c,
                          const std::string& whose) {
    const Field& label = classifier.label();
    const auto found = c.value.find(label.name);
    if (found == c.value.end())
        return text(whose, " have no '", label.name, "' (SPEC?label=NAME says where it stands)");
    if (found->second.max().item<std::int64_t>() >= label.space.symbols)
        return text(whose, " have more classes than the ", label.space.symbols, " that are known");
    return "";
}

/// The share of rows with a label whose likeliest one it is.
Measurement share_right(const Tensor& log_probs, const std::string& name, const Condition& c) {
    Tensor right = (log_probs.argmax(1).cpu() == c.value.at(name).cpu()).to(torch::kDouble);
    if (const auto given = c.given.find(name); given != c.given.end())
        right = right.masked_select(given->second.cpu());
    const double n = static_cast<double>(right.size(0)), share = right.mean().item<double>();
    return {share, std::sqrt(share * (1 - share) / n), right.size(0), "share", true};
}

class Accuracy : public Metric {
public:
    std::string refusal(const Judged& judged) const override {
        if (!judged.model) return "it needs a model";
        if (!judged.model->classifier()) return "this model is no classifier";
        if (!judged.held_out_model || judged.held_out_model->size() < 2)
            return "it needs 2 held-out rows";
        return label_refusal(*judged.model->classifier(), judged.held_out_model->c,
                             "the held-out rows");
    }

    std::vector<std::pair<std::string, Measurement>> evaluate(const Judged& judged) const override {
        const torch::NoGradGuard no_grad;
        const Classifier& model = *judged.model->classifier();
        const Batch& rows = *judged.held_out_model;
        const std::int64_t n = rows.size(), chunk = 256;
        std::vector<Tensor> parts;
        for (std::int64_t i = 0; i < n; i += chunk) {
            const Tensor x = rows.x.slice(0, i, std::min(i + chunk, n));
            parts.push_back(
                model.log_probs(x, torch::zeros({x.size(0)}, x.options().dtype(torch::kDouble))));
        }
        return {{"accuracy", share_right(torch::cat(parts), model.label().name, rows.c)}};
    }
};

class LabelAccuracy : public Metric {
public:
    std::string refusal(const Judged& judged) const override {
        if (!judged.judge) return "it needs a judge (--judge RUN)";
        if (!judged.samples.defined() || judged.samples.size(0) < 2) return "it needs 2 samples";
        return label_refusal(*judged.judge, judged.asked, "the samples");
    }

    std::vector<std::pair<std::string, Measurement>> evaluate(const Judged& judged) const override {
        return {{"label_accuracy", share_right(judged.samples_seen.log_probs,
                                               judged.judge->label().name, judged.asked)}};
    }
};

}  // namespace

std::unique_ptr<Metric> make_accuracy() {
    return std::make_unique<Accuracy>();
}

std::unique_ptr<Metric> make_label_accuracy() {
    return std::make_unique<LabelAccuracy>();
}

}  // namespace pushforward
