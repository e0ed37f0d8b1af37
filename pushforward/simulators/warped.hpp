#pragma once

#include "pushforward/base/fields.hpp"
#include "pushforward/core/simulator.hpp"

#include <memory>

namespace pushforward {

/// Where a rotation R stands beside sinh.
enum class Rotated { before, after };

/// `sim:warped`: x = sinh(R y) (before) or x = R sinh(y) (after), y ~ sum_k w_k N(m_k, Q_k
/// diag(s_k^2) Q_k^T), with m_k = spread z, z ~ N(0, I), s_k uniform in [low, high], and R, Q_k
/// random rotations, all drawn from `law`: correlated, with several modes and heavy tails, and an
/// exact density. What a table may look like.
struct WarpedOptions : Options {
    std::int64_t dimension = 21, law = 0;
    Fields::Numbers weights = {0.3, 0.25, 0.2, 0.15, 0.1};
    double spread = 0.8, low = 0.6, high = 1.2;
    Rotated rotated = Rotated::before;
    void visit(Fields& f) override;
};
std::unique_ptr<Simulator> make_warped(const WarpedOptions& options);

}  // namespace pushforward
