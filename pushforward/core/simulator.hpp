#pragma once

#include "pushforward/core/batch.hpp"
#include "pushforward/core/space.hpp"

#include <span>

namespace pushforward {

/// An endless data set made by the program, with a known truth. Item i depends on (seed, i) alone,
/// so that any item can be asked for again, in any order and in any batch.
class Simulator {
public:
    virtual ~Simulator() = default;
    virtual const DataSpec& spec() const = 0;
    /// The numbered items, in the data's own units (images in [0, 1]); `index` is set to `items`.
    virtual Batch draw(std::span<const std::int64_t> items, std::uint64_t seed) const = 0;
    /// Items first .. first + n - 1.
    Batch batch(std::int64_t first, std::int64_t n, std::uint64_t seed) const;

    virtual bool has_log_prob() const { return false; }
    /// log p(x | c) in nats, float64 [B]: the exact density of `draw`'s items, differentiable in x.
    /// A label in `c` conditions on it; without one the mixture over labels is meant.
    /// Throws UsageError where `has_log_prob()` is false.
    virtual Tensor log_prob(const Tensor& x, const Condition& c = {}) const;
};

}  // namespace pushforward
