#include "pushforward/math/ode.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/core/rowwise.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/where.h>

#include <array>
#include <vector>

namespace pushforward {
namespace {

// The tableau: row i holds the weights of the slopes 0..i for stage i + 1, which lies at c[i] of
// the step; the last stage is the solution of order 5 and the first slope of the next step.
constexpr std::array<double, 6> c = {1. / 5, 3. / 10, 4. / 5, 8. / 9, 1, 1};
constexpr double a[6][6] = {{1. / 5},
                            {3. / 40, 9. / 40},
                            {44. / 45, -56. / 15, 32. / 9},
                            {19372. / 6561, -25360. / 2187, 64448. / 6561, -212. / 729},
                            {9017. / 3168, -355. / 33, 46732. / 5247, 49. / 176, -5103. / 18656},
                            {35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84}};
/// Weights of order 5 less those of order 4.
constexpr std::array<double, 7> e = {71. / 57600,      0,         -71. / 16695, 71. / 1920,
                                     -17253. / 339200, 22. / 525, -1. / 40};

}  // namespace

Tensor dormand_prince(const VectorField& f, Tensor y, double from, double to,
                      const OdeTolerance& tolerance) {
    const double span = to - from;
    if (span == 0) return y;
    const auto time = at::TensorOptions().dtype(at::kDouble).device(y.device());
    Tensor t = at::full({y.size(0)}, from, time), h = at::full({y.size(0)}, span / 100, time);
    std::vector<Tensor> slopes = {f(t, y)};
    for (std::int64_t step = 0;; ++step) {
        if (step == tolerance.most_steps)
            throw NumericalError(text("the ODE needs more than ", step, " steps from t = ", from,
                                      " to ", to, " at tolerance ", tolerance.relative));
        const Tensor left = to - t;  // 0 for rows that are there
        h = span > 0 ? at::minimum(h, left) : at::maximum(h, left);
        const Tensor last = h == left;
        const Tensor width = rowwise(h, y);
        slopes.resize(1);
        Tensor next;
        for (std::size_t stage = 0; stage < c.size(); ++stage) {
            Tensor sum = a[stage][0] * slopes[0];
            for (std::size_t i = 1; i <= stage; ++i)
                if (a[stage][i] != 0) sum = sum + a[stage][i] * slopes[i];
            next = y + width * sum;
            slopes.push_back(f(t + c[stage] * h, next));
        }
        Tensor error = e[0] * slopes[0];
        for (std::size_t i = 1; i < e.size(); ++i)
            if (e[i] != 0) error = error + e[i] * slopes[i];
        const Tensor scale =
            tolerance.absolute + tolerance.relative * at::maximum(y.abs(), next.abs()).detach();
        const Tensor size =
            (width * error.detach() / scale).to(at::kDouble).square().flatten(1).mean(1).sqrt();
        if (!size.isfinite().all().item<bool>())
            throw NumericalError(
                text("the ODE's slope is not finite between t = ", from, " and ", to));
        const Tensor accepted = size <= 1;
        const Tensor rows = rowwise(accepted, y) > 0;
        t = at::where(accepted, at::where(last, at::full_like(t, to), t + h), t);
        y = at::where(rows, next, y);
        slopes[0] = at::where(rows, slopes.back(), slopes[0]);
        if ((t == to).all().item<bool>()) return y;
        h = h * (0.9 * size.clamp_min(1e-10).pow(-0.2)).clamp(0.2, 5);
    }
}

}  // namespace pushforward
