#pragma once

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

/// What a metric judges: a model, samples, held-out data, training data; absent parts are null.
/// Samples and data are [N, event...] in the data's own units.
struct Judged {
    const Model* model = nullptr;
    const Batch* held_out = nullptr;        ///< data's own units
    const Batch* held_out_model = nullptr;  ///< the same rows in model units
    Tensor samples;
    double log_det = 0;  ///< log |d model / d data| of an item: log p_data = log p_model + this
    std::uint64_t seed = 0;
};

/// One named figure of merit. `refusal` says why it cannot be computed ("" when it can).
class Metric {
public:
    virtual ~Metric() = default;
    virtual std::string refusal(const Judged& judged) const = 0;
    /// Whether it takes so long that it is computed only when it is asked for by name.
    virtual bool costly(const Judged&) const { return false; }
    /// Usually one entry; a metric with parts gives several, named "metric" or "metric/part".
    virtual std::vector<std::pair<std::string, Measurement>> evaluate(
        const Judged& judged) const = 0;
};

}  // namespace pushforward
