#include "pushforward/samplers/editing.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/samplers/time_grid.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/where.h>

#include <algorithm>
#include <cmath>

namespace pushforward {

std::vector<double> last_steps(const std::vector<double>& times, double strength) {
    PF_CHECK(strength > 0 && strength <= 1, "sample: strength", "above 0 and at most 1", strength);
    const auto steps = static_cast<double>(times.size() - 1);
    // Less a rounding error, so that 0.3 of 10 steps are 3.
    const auto run = std::max<std::int64_t>(1, std::llround(std::ceil(strength * steps - 1e-9)));
    return {times.end() - 1 - run, times.end()};
}

Tensor inpaint(const Denoise& denoise, const Path& path, Tensor x, const std::vector<double>& times,
               const SolverEntry& solver, SolverSettings settings, const Draft& draft, Rng& rng) {
    PF_CHECK(draft.resamplings >= 1, "sample: resamplings", "at least 1", draft.resamplings);
    const auto type = x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
    Rng own = rng.split(0);  // the solver's draws stay what they are without a draft
    const auto noise = [&] { return own.normal(x.sizes(), type, x.device()); };
    const auto hold = [&](const Tensor& at_s, const LevelAt& s) {
        return at::where(draft.keep, s.alpha * draft.x + s.sigma * noise(), at_s);
    };
    settings.churn.amount /= static_cast<double>(times.size() - 1);  // is spread over the grid
    x = hold(x, level_at(path, times.front()));
    for (std::size_t i = 0; i + 1 < times.size(); ++i) {
        const LevelAt t = level_at(path, times[i]), s = level_at(path, times[i + 1]);
        for (std::int64_t left = draft.resamplings;; --left) {
            x = hold(solver.solve(denoise, path, x, {times[i], times[i + 1]}, settings, rng), s);
            if (left == 1 || times[i + 1] == 0) break;
            // x_t ~ q(x_t | x_s)
            const double kept = t.alpha / s.alpha, lost = kept * s.sigma;
            x = kept * x + std::sqrt(std::max(0.0, t.sigma * t.sigma - lost * lost)) * noise();
        }
    }
    return x;
}

}  // namespace pushforward
