#pragma once

#include "pushforward/core/dataset.hpp"

#include <map>
#include <span>
#include <string>
#include <vector>

namespace pushforward {

/// model = (data - shift) / scale: one pair for everything, or one a column.
struct Affine {
    std::vector<double> shift = {0}, scale = {1};
    Tensor to_model(const Tensor& data) const;
    Tensor to_data(const Tensor& model) const;
    bool operator==(const Affine&) const = default;
};

/// The map between the data's own units and the model's, for x and for the real conditions.
/// Images in [0, 1] become 2x - 1; other reals get mean 0 and standard deviation 1 over the
/// training rows, vectors a column at a time. A constant column is only shifted (scale 1).
class Scaling {
public:
    Scaling() = default;  ///< leaves everything as it is
    Scaling(Affine x, std::map<std::string, Affine> conditions = {});
    /// Measured on `rows`, in float64. A value that is not finite is a DataError with row, column.
    static Scaling fit(const Dataset& data, std::span<const std::int64_t> rows);

    Tensor to_model(const Tensor& x) const { return x_.to_model(x); }
    Tensor to_data(const Tensor& x) const { return x_.to_data(x); }
    Condition to_model(const Condition& c) const;
    Condition to_data(const Condition& c) const;
    Batch to_model(Batch batch) const;

    /// log |d model / d data| in nats of an item with `event`: log p_data = log p_model + this.
    double log_det(at::IntArrayRef event) const;

    const Affine& x() const { return x_; }
    const std::map<std::string, Affine>& conditions() const { return conditions_; }
    bool operator==(const Scaling&) const = default;

private:
    Affine x_;
    std::map<std::string, Affine> conditions_;
};

/// DataError that names row and column when a value or a real condition is not finite.
void refuse_non_finite(const Dataset& data, std::span<const std::int64_t> rows);

}  // namespace pushforward
