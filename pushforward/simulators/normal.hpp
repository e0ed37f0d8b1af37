#pragma once

#include "pushforward/base/fields.hpp"
#include "pushforward/core/simulator.hpp"

#include <memory>

namespace pushforward {

/// `sim:normal`: N(mean, covariance).
struct NormalOptions : Options {
    Fields::Numbers mean = {0, 0};              ///< the dimension is its length
    Fields::Numbers covariance = {1, 0, 0, 1};  ///< row after row
    void visit(Fields& f) override;
};

/// UsageError when the covariance is not symmetric and positive definite, naming the numbers.
std::unique_ptr<Simulator> make_normal(const NormalOptions& options);

}  // namespace pushforward
