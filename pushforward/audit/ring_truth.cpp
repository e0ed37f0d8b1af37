#include "pushforward/audit/ring_truth.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/base/json.hpp"

#include <torch/types.h>

#include <numbers>

namespace pushforward {

void RingTruth::visit(Fields& f) {
    f.integer("modes", modes, {.doc = "normals on the ring", .low = 2, .high = 100});
    f.number("radius", radius, {.doc = "of the ring", .low = 0.5, .high = 10});
    f.number("sigma", sigma, {.doc = "deviation of each", .low = 0.02, .high = 1});
}

std::string RingTruth::data(std::int64_t n, std::uint64_t seed, double deviation) const {
    return text("sim:ring?modes=", modes, "&radius=", number_text(radius),
                "&sigma=", number_text(deviation), "&n=", n, "&seed=", seed);
}

at::Tensor RingTruth::centres() const {
    const at::Tensor angle =
        2 * std::numbers::pi / static_cast<double>(modes) * torch::arange(modes, torch::kDouble);
    return radius * torch::stack({angle.cos(), angle.sin()}, 1);
}

}  // namespace pushforward
