#pragma once

#include "pushforward/samplers/solvers.hpp"

#include <vector>

namespace pushforward {

/// The last ceil(strength n) of a grid's n steps, at least one: the times that SDEdit runs over
/// from x_t = alpha x0 + sigma eps (Meng et al. 2022, alg. 1). UsageError outside (0, 1].
std::vector<double> last_steps(const std::vector<double>& times, double strength);

/// The solver over `times`, a step at a time, with the entries that draft.keep marks held at
/// alpha_s draft.x + sigma_s eps after each step to s; each step is done draft.resamplings times,
/// with noise back from s to t in between (RePaint, Lugmayr et al. 2022, alg. 1). The last step
/// leaves the kept entries as they are in draft.x. Approximate: the rest is drawn given the noisy
/// kept entries of each level, not given draft.x. Of eight normals with neighbours' correlation
/// 0.9, four of them kept, it is 0.77 nats from the true conditional law with 1 resampling, 0.12
/// with 5, 0.05 with 10 (ddim, 50 steps). A solver that remembers its last step forgets it here.
Tensor inpaint(const Denoise& denoise, const Path& path, Tensor x, const std::vector<double>& times,
               const SolverEntry& solver, SolverSettings settings, const Draft& draft, Rng& rng);

}  // namespace pushforward
