#include "pushforward/core/simulator.hpp"

#include "pushforward/base/errors.hpp"

#include <numeric>

namespace pushforward {

Batch Simulator::batch(std::int64_t first, std::int64_t n, std::uint64_t seed) const {
    PF_CHECK(n >= 0, "Simulator::batch", "n of at least 0", n);
    std::vector<std::int64_t> items(static_cast<std::size_t>(n));
    std::iota(items.begin(), items.end(), first);
    return draw(items, seed);
}

Tensor Simulator::log_prob(const Tensor&, const Condition&) const {
    throw UsageError(
        "this simulator's density is not known (sim:ring, sim:grid, sim:moons and "
        "sim:mixture know theirs)");
}

}  // namespace pushforward
