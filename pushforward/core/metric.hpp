#pragma once

#include "pushforward/base/vocabulary.hpp"
#include "pushforward/core/dataset.hpp"
#include "pushforward/core/model.hpp"

#include <optional>
#include <string>

namespace pushforward {

/// One measured figure with its standard error. Prints as {"value","stderr","n","unit",...}.
struct Measurement {
    double value = 0;
    double standard_error = 0;
    std::int64_t n = 0;
    std::string unit;
    bool higher_is_better = false;
    std::string kind = {};  ///< for likelihoods: exact, lower_bound or estimate
};

/// What a judge, a classifier, sees in a set: features [N, F] and log p(label | x) [N, K].
struct Verdict {
    Tensor features, log_probs;
};

/// What a metric judges: a model, samples, held-out data, training data; absent parts are null.
/// Samples and data are [N, event...] in the data's own units.
struct Judged {
    const Model* model = nullptr;
    const Batch* held_out = nullptr;        ///< data's own units
    const Batch* held_out_model = nullptr;  ///< the same rows in model units
    Tensor samples;
    Condition asked = {};               ///< what the samples were to be, a row each
    const Classifier* judge = nullptr;  ///< whose verdicts these are:
    Verdict samples_seen, held_out_seen;
    double log_det = 0;  ///< log |d model / d data| of an item: log p_data = log p_model + this
    std::uint64_t seed = 0;
    const DataSpec* held_out_spec = nullptr;  ///< names the classes of the held-out rows
    const Vocabulary* vocabulary = nullptr;   ///< what text was made symbols by
};

/// One named figure of merit. `refusal` says why it cannot be computed ("" when it can).
class Metric {
public:
    virtual ~Metric() = default;
    virtual std::string refusal(const Judged& judged) const = 0;
    /// Why it is computed only when it is asked for by name ("" when it is among the others).
    virtual std::string reservation(const Judged&) const { return ""; }
    /// Usually one entry; a metric with parts gives several, named "metric" or "metric/part".
    virtual std::vector<std::pair<std::string, Measurement>> evaluate(
        const Judged& judged) const = 0;
};

}  // namespace pushforward
