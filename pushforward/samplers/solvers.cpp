#include "pushforward/samplers/solvers.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/base/named.hpp"
#include "pushforward/base/recipe_text.hpp"

#include <ATen/ops/full.h>

namespace pushforward {

Denoised denoise_at(const Denoise& denoise, const Tensor& x, double t) {
    return denoise(x, at::full({1}, t, x.options().dtype(at::kDouble)));
}

const std::vector<SolverEntry>& solver_catalogue() {
    using D = const Denoise&;
    using P = const Path&;
    using T = const std::vector<double>&;
    using S = const SolverSettings&;
    static const std::vector<SolverEntry> all = {
        {"ancestral", "draws from the posterior at each step",
         [](D d, P p, Tensor x, T t, S, Rng& r) { return ancestral(d, p, x, t, r); }, true},
        {"ddim", "first order; `eta` adds noise",
         [](D d, P p, Tensor x, T t, S s, Rng& r) { return ddim(d, p, x, t, s.eta, r); }},
        {"euler", "first order on the probability-flow ODE",
         [](D d, P p, Tensor x, T t, S, Rng&) { return euler(d, p, x, t); }},
        {"heun", "second order, two evaluations a step",
         [](D d, P p, Tensor x, T t, S, Rng&) { return heun(d, p, x, t); }},
        {"dpm_solver_2", "second order, two evaluations a step",
         [](D d, P p, Tensor x, T t, S, Rng&) { return dpm_solver_2(d, p, x, t); }},
        {"dpm_solver_3", "third order, three evaluations a step",
         [](D d, P p, Tensor x, T t, S, Rng&) { return dpm_solver_3(d, p, x, t); }},
        {"dpm_solver_pp_2m", "second order, one evaluation a step",
         [](D d, P p, Tensor x, T t, S, Rng&) { return dpm_solver_pp_2m(d, p, x, t); }},
        {"adaptive", "orders 5 and 4 with as many steps as `tolerance` asks for",
         [](D d, P p, Tensor x, T t, S s, Rng&) { return adaptive(d, p, x, t, s.tolerance); }},
        {"edm_stochastic", "heun with noise added before each step: `churn`",
         [](D d, P p, Tensor x, T t, S s, Rng& r) {
             return edm_stochastic(d, p, x, t, s.churn, r);
         },
         true},
        {"euler_maruyama", "the reverse SDE",
         [](D d, P p, Tensor x, T t, S, Rng& r) { return euler_maruyama(d, p, x, t, r); }, true},
        {"predictor_corrector", "ancestral steps with `corrections` of Langevin's dynamics",
         [](D d, P p, Tensor x, T t, S s, Rng& r) {
             return predictor_corrector(d, p, x, t, s.corrections, s.ratio, r);
         },
         true},
        {"annealed_langevin", "`corrections` of Langevin's dynamics at each noise level",
         [](D d, P p, Tensor x, T t, S s, Rng& r) {
             return annealed_langevin(d, p, x, t, s.corrections, s.ratio, r);
         },
         true},
    };
    return all;
}

const SolverEntry& solver_entry(const std::string& name) {
    return find_named(solver_catalogue(), &SolverEntry::name, name, [&](const auto& names) {
        return text("no solver '", name, "'", nearest_hint(name, names));
    });
}

}  // namespace pushforward
