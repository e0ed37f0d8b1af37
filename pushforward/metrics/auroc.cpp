#include "pushforward/metrics/auroc.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/base/recipe_text.hpp"
#include "pushforward/metrics/c2st.hpp"
#include "pushforward/metrics/held_out_density.hpp"

#include <torch/types.h>

namespace pushforward {
namespace {

class Auroc : public Metric {
public:
    std::string refusal(const Judged& judged) const override {
        if (const auto why = density_refusal(judged); !why.empty()) return why;
        if (judged.model->spec().condition("label"))
            return "this model is told the label of a row (data.conditional = false hides it)";
        const auto found = judged.held_out_model->c.value.find("label");
        if (found == judged.held_out_model->c.value.end() || found->second.dim() != 1)
            return "the held-out rows have no 'label' (SPEC?label=NAME says where it stands)";
        const std::string expected = "expected the labels 0 (normal) and 1 (anomalous), got ";
        const Field* field =
            judged.held_out_spec ? judged.held_out_spec->condition("label") : nullptr;
        if (field && !field->names.empty() && field->names != std::vector<std::string>{"0", "1"})
            return expected + (field->names.size() > 10 ? text(field->names.size(), " others")
                                                        : one_of(field->names));
        const Tensor& label = found->second;
        const Tensor other = label.masked_select((label != 0) & (label != 1));
        if (other.numel() > 0) return expected + text(other[0].item<std::int64_t>());
        const std::int64_t anomalous = (label == 1).sum().item<std::int64_t>(),
                           normal = label.size(0) - anomalous;
        if (normal < 2 || anomalous < 2)
            return text("it needs 2 rows of each label, got ", normal, " of 0 and ", anomalous,
                        " of 1");
        return "";
    }

    std::string reservation(const Judged&) const override {
        return "that label 1 means anomalous is for you to say";
    }

    std::vector<std::pair<std::string, Measurement>> evaluate(const Judged& judged) const override {
        const Tensor log_p = held_out_density(judged).log_p;
        const Tensor undefined = log_p.isnan().nonzero();
        if (undefined.size(0) > 0)
            throw NumericalError(text("auroc: log p of held-out row ",
                                      undefined[0].item<std::int64_t>(), " is not a number"));
        const Tensor anomalous = judged.held_out_model->c.value.at("label").cpu() == 1;
        Measurement area = roc_auc(log_p.masked_select(~anomalous), log_p.masked_select(anomalous));
        area.higher_is_better = true;
        return {{"auroc", area}};
    }
};

}  // namespace

std::unique_ptr<Metric> make_auroc() {
    return std::make_unique<Auroc>();
}

}  // namespace pushforward
