#pragma once

#include "pushforward/core/batch.hpp"
#include "pushforward/core/space.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

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

/// At most n of `rows`, evenly spread over them.
inline Batch spread(const Dataset& data, std::span<const std::int64_t> rows, std::int64_t n) {
    const auto all = static_cast<std::int64_t>(rows.size()), some = std::min(n, all);
    std::vector<std::int64_t> picked;
    for (std::int64_t i = 0; i < some; ++i)
        picked.push_back(rows[static_cast<std::size_t>(i * all / some)]);
    return data.get(picked);
}

}  // namespace pushforward
