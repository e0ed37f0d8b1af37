// A metric of your own.
#include "pushforward/core/metric.hpp"

#include <doctest/doctest.h>
#include <torch/types.h>

#include <cmath>

namespace {

using namespace pushforward;

// [metric]
/// |mean of the samples - mean of the held-out rows|, with the standard error of that difference.
class MeanDistance : public Metric {
public:
    std::string refusal(const Judged& judged) const override {
        if (!judged.held_out || judged.held_out->size() < 2) return "it needs 2 held-out rows";
        return judged.samples.defined() && judged.samples.size(0) > 1 ? "" : "it needs 2 samples";
    }
    std::vector<std::pair<std::string, Measurement>> evaluate(const Judged& judged) const override {
        const Tensor a = judged.samples.to(at::kDouble).flatten(1);
        const Tensor b = judged.held_out->x.to(at::kDouble).flatten(1);
        const Tensor variance = a.var(0) / a.size(0) + b.var(0) / b.size(0);
        return {{"mean_distance",
                 {.value = (a.mean(0) - b.mean(0)).norm().item<double>(),
                  .standard_error = std::sqrt(variance.sum().item<double>()),
                  .n = a.size(0),
                  .unit = "data units",
                  .higher_is_better = false}}};
    }
};
// [metric]

TEST_CASE("a metric of one's own measures a shift within its standard error") {
    Batch rows;
    rows.x = Rng(1).normal({4000, 2});
    Judged judged;
    judged.held_out = &rows;
    CHECK(MeanDistance().refusal(judged) == "it needs 2 samples");
    judged.samples = Rng(2).normal({4000, 2}) + 3;
    const Measurement m = MeanDistance().evaluate(judged).front().second;
    CHECK(std::abs(m.value - 3 * std::sqrt(2)) < 4 * m.standard_error);
}

}  // namespace
