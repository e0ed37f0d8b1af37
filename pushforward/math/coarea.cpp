#include "pushforward/math/coarea.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/math/ode.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/linalg_det.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>
#include <vector>

namespace pushforward {
namespace {

constexpr double kSame = 1e-6;  // a point this near to a curve is on it

Tensor length(const Tensor& rows) {
    return at::linalg_vector_norm(rows, 2, {-1});
}

/// The curves through given points on which the map is constant. A state is [z, integral so far].
class Fibres {
public:
    Fibres(const Map& map, const LogDensity& log_p, const FibreOptions& options)
        : map_(map), log_p_(log_p), o_(options) {}

    /// The null vector of J [B, d, d + 1] by its minors, n_i = (-1)^i det(J without column i). It
    /// turns with J without jumps, and |n| = sqrt(det(J J^T)) (Cauchy & Binet).
    Tensor null_vector(const Tensor& z) const {
        const Tensor j = linearise(map_, z).jacobian;
        const std::int64_t k = j.size(2);
        std::vector<Tensor> n;
        for (std::int64_t i = 0; i < k; ++i) {
            const Tensor minor =
                at::linalg_det(at::cat({j.slice(2, 0, i), j.slice(2, i + 1, k)}, 2));
            n.push_back(i % 2 ? -minor : minor);
        }
        return at::stack(n, 1);
    }
    Tensor tangent(const Tensor& z) const {
        const Tensor n = null_vector(z);
        return n / length(n).unsqueeze(1);
    }

    /// The states after `far` [B], a signed length, along the curves.
    Tensor along(const Tensor& state, const Tensor& far) const {
        const auto field = [&](const Tensor&, const Tensor& y) {
            const Tensor z = y.slice(1, 0, -1), n = null_vector(z), size = length(n);
            const Tensor slope =
                at::cat({n / size.unsqueeze(1), (log_p_(z).exp() / size).unsqueeze(1)}, 1);
            return far.unsqueeze(1) * slope;
        };
        return dormand_prince(field, state, 0, 1, {o_.tolerance, o_.tolerance});
    }

    /// How far along its curve, from each state, the nearest point to `target` is, and the state
    /// there; meant for targets less than `spacing` or so away.
    std::pair<Tensor, Tensor> nearest(const Tensor& state, const Tensor& target) const {
        Tensor far = at::zeros({state.size(0)}, state.options()), there = state;
        for (int i = 0; i < 6; ++i) {
            const Tensor z = there.slice(1, 0, -1);
            far = (far + ((target - z) * tangent(z)).sum(1)).clamp(-3 * o_.spacing, 3 * o_.spacing);
            there = along(state, far);
        }
        return {far, there};
    }

    struct Traced {
        Tensor integral;  ///< [M], signed as the direction
        Tensor closed;    ///< bool [M]
        Tensor nodes;     ///< [T, M, k], infinite after the end
    };
    /// From points [M, k] in one direction, +1 or -1, out of the ball or once around.
    Traced trace(const Tensor& from, double direction) const {
        const std::int64_t m = from.size(0);
        Tensor state = at::cat({from, at::zeros({m, 1}, from.options())}, 1);
        Tensor closed = at::zeros({m}, from.options().dtype(at::kBool));
        Tensor active = at::arange(m, from.options().dtype(at::kLong));
        std::vector<Tensor> nodes{from};
        while (active.size(0) > 0) {
            if (static_cast<double>(nodes.size()) * o_.spacing > o_.longest)
                throw NumericalError(text("a fibre is longer than ", o_.longest,
                                          " within the ball of radius ", o_.radius));
            const Tensor before = state.index_select(0, active);
            const Tensor begin = from.index_select(0, active);
            const Tensor far = at::full_like(begin.select(1, 0), direction * o_.spacing);
            Tensor after = along(before, far);
            Tensor over = length(after.slice(1, 0, -1)) > o_.radius;
            // near its beginning again: is that on the piece just gone?
            const Tensor near = nodes.size() < 2
                                    ? at::zeros_like(over)
                                    : length(after.slice(1, 0, -1) - begin) <= 1.1 * o_.spacing;
            const Tensor who = near.nonzero().flatten();
            if (who.size(0) > 0) {
                const Tensor goal = begin.index_select(0, who);
                const auto [step, there] = nearest(before.index_select(0, who), goal);
                const Tensor gone = direction * step;
                const Tensor back = (length(there.slice(1, 0, -1) - goal) <= kSame)
                                        .logical_and(gone > -kSame)
                                        .logical_and(gone <= o_.spacing);
                const Tensor chosen = who.index_select(0, back.nonzero().flatten());
                after =
                    after.index_copy(0, chosen, there.index_select(0, back.nonzero().flatten()));
                over = over.index_fill(0, chosen, 1);
                closed = closed.index_fill(0, active.index_select(0, chosen), 1);
            }
            state = state.index_copy(0, active, after);
            nodes.push_back(
                at::full_like(from, INFINITY).index_copy(0, active, after.slice(1, 0, -1)));
            active = active.index_select(0, over.logical_not().nonzero().flatten());
        }
        return {state.select(1, -1), closed, at::stack(nodes)};
    }

private:
    const Map& map_;
    const LogDensity& log_p_;
    FibreOptions o_;
};

/// Which points of each row of x begin a curve that no earlier point of that row lies on.
Tensor first_of_each(const Fibres& fibres, const Preimages& points, const Tensor& nodes,
                     double spacing) {
    const std::int64_t m = points.z.size(0);
    std::vector<std::int64_t> earlier, later;
    const Tensor row = points.row.contiguous();
    const auto* r = row.const_data_ptr<std::int64_t>();
    for (std::int64_t j = 0; j < m; ++j)
        for (std::int64_t i = j - 1; i >= 0 && r[i] == r[j]; --i) {
            earlier.push_back(i);
            later.push_back(j);
        }
    Tensor first = at::ones_like(points.row);
    if (earlier.empty()) return first;
    const Tensor a = at::tensor(earlier), b = at::tensor(later);
    const Tensor goal = points.z.index_select(0, b);
    const Tensor gap = length(nodes.index_select(1, a) - goal);  // [T, pairs]
    const Tensor which = gap.argmin(0);
    const Tensor close = (gap.amin(0) <= spacing).nonzero().flatten();
    if (close.size(0) == 0) return first;
    const Tensor node = nodes.index({which.index_select(0, close), a.index_select(0, close)});
    const Tensor near = goal.index_select(0, close);
    const Tensor state = at::cat({node, at::zeros_like(node.slice(1, 0, 1))}, 1);
    const Tensor miss = length(fibres.nearest(state, near).second.slice(1, 0, -1) - near);
    return first.index_fill(
        0, b.index_select(0, close.index_select(0, (miss <= kSame).nonzero().flatten())), 0);
}

}  // namespace

Tensor coarea_log_density(const Map& map, const LogDensity& log_p, const Tensor& x,
                          const Tensor& starts, const FibreOptions& options) {
    PF_CHECK(starts.size(-1) == x.size(-1) + 1, "coarea formula",
             text(x.size(-1) + 1, " latent numbers for images in R^", x.size(-1)), starts.size(-1));
    const at::NoGradGuard no_grad;
    Preimages points = preimages(map, x, starts, options.points);
    const Tensor inside = (length(points.z) <= options.radius).nonzero().flatten();
    points = {points.z.index_select(0, inside), points.row.index_select(0, inside)};
    Tensor sum = at::zeros({x.size(0)}, points.z.options());
    if (inside.size(0) == 0) return sum.log();
    const Fibres fibres(map, log_p, options);
    const auto there = fibres.trace(points.z, 1), back = fibres.trace(points.z, -1);
    const Tensor nodes = at::cat({there.nodes, back.nodes});
    const Tensor whole = at::where(there.closed, there.integral, there.integral - back.integral);
    const Tensor first = first_of_each(fibres, points, nodes, options.spacing);
    return sum.index_add(0, points.row, at::where(first > 0, whole, at::zeros_like(whole))).log();
}

}  // namespace pushforward
