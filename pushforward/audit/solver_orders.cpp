#include "pushforward/audit/solver_orders.hpp"

#include "pushforward/audit/mixture_truth.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/samplers/guidance.hpp"
#include "pushforward/samplers/solvers.hpp"
#include "pushforward/samplers/time_grid.hpp"
#include "pushforward/training/run.hpp"

#include <torch/types.h>

#include <cmath>

namespace pushforward {
namespace {

struct Order {
    std::string solver;
    double order;
};
const std::vector<Order> kOrders = {
    {"ddim", 1}, {"heun", 2}, {"dpm_solver_2", 2}, {"dpm_solver_pp_2m", 2}, {"dpm_solver_3", 3}};

class SolverOrders : public Claim {
public:
    Options& parameters() override { return p_; }

    std::vector<PlannedRun> runs(std::uint64_t seed) const override {
        return {{"mixture", mixture_recipe(p_, seed)}};
    }

    std::vector<Check> measure(const RunFolders& runs, std::uint64_t) const override {
        const torch::NoGradGuard no_grad;
        const OpenedRun run =
            open_run(runs.at("mixture").string(), {}, torch::kCPU, Precision::float64);
        const Denoiser& model = *run.model->denoiser();
        const Tensor start = torch::linspace(-3, 3, 201, torch::kDouble).unsqueeze(1);
        const Tensor reference =
            adaptive(guided(model, {}, {}), model.path(), start, {model.path().t_max(), 0}, 1e-12);
        std::vector<Check> checks = {against_quantiles(start, reference)};
        for (const Order& o : kOrders) {
            const auto error = [&](std::int64_t n) {
                return (solve(model, o.solver, n, start) - reference).abs().median().item<double>();
            };
            const double order = std::log(error(160) / error(640)) / std::log(4.0);
            checks.push_back(
                {o.solver + ": order", o.order, order, 0, o.order - 0.12, o.order + 0.12});
        }
        return checks;
    }

private:
    /// The first n steps go from t_max to t_min; the last one denoises.
    static Tensor solve(const Denoiser& model, const std::string& solver, std::int64_t n,
                        const Tensor& start) {
        Rng rng(0);
        return solver_entry(solver).solve(guided(model, {}, {}), model.path(), start,
                                          time_grid(model.path(), Grid::log_snr, n + 1), {}, rng);
    }

    /// Where the exact flow carries each start, denoised at its end, against the model's ODE.
    Check against_quantiles(const Tensor& start, const Tensor& reference) const {
        const NormalMixture law = p_.law(), first = law.noised(Vp::alpha(1), Vp::sigma(1));
        const double alpha = Vp::alpha(Vp::t_min), sigma = Vp::sigma(Vp::t_min);
        const NormalMixture last = law.noised(alpha, sigma);
        std::vector<double> exact;
        for (std::int64_t i = 0; i < start.size(0); ++i) {
            const double x = last.quantile(first.cdf(start[i][0].item<double>()));
            exact.push_back((x + sigma * sigma * last.score(x)) / alpha);  // E[x0 | x] (Tweedie)
        }
        const Tensor error = (reference.squeeze(1) - torch::tensor(exact, torch::kDouble)).abs();
        return {"median distance from the exact flow's end",
                0,
                error.median().item<double>(),
                0,
                0,
                0.01};
    }

    TwoNormals p_;
};

}  // namespace

std::unique_ptr<Claim> make_solver_orders() {
    return std::make_unique<SolverOrders>();
}

}  // namespace pushforward
