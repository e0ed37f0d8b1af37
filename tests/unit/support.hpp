#pragma once

#include "pushforward/base/errors.hpp"
#include "pushforward/core/dataset.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>

#include <string>

namespace pushforward::testing {

/// What a refused call says.
template <class F>
std::string refusal(F call) {
    try {
        call();
    } catch (const UsageError& e) {
        return e.what();
    }
    return "not refused";
}

/// The largest difference of two tensors.
inline double worst(const at::Tensor& a, const at::Tensor& b) {
    return (a - b).abs().max().item<double>();
}

/// A data set of no rows, for objectives that only ask whether there are data.
class NoData : public Dataset {
public:
    explicit NoData(const DataSpec& spec) : spec_(spec) {}
    const DataSpec& spec() const override { return spec_; }
    std::int64_t size() const override { return 0; }
    Batch get(std::span<const std::int64_t>) const override { return {}; }

private:
    const DataSpec& spec_;
};

}  // namespace pushforward::testing
