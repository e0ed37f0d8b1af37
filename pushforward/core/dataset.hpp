#pragma once

#include "pushforward/core/batch.hpp"
#include "pushforward/core/space.hpp"

#include <memory>
#include <span>

namespace pushforward {

/// Rows that can be asked for by number. `get` is thread-safe and gives float32 (or int64 for
/// symbols) in the data's own units: images in [0, 1] as [C, H, W], tables as they stand.
class Dataset {
public:
    virtual ~Dataset() = default;
    virtual const DataSpec& spec() const = 0;
    virtual std::int64_t size() const = 0;
    /// The rows in the order asked for; `index` is set to `rows`.
    virtual Batch get(std::span<const std::int64_t> rows) const = 0;
};

}  // namespace pushforward
