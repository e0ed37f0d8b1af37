#include "pushforward/samplers/inversion.hpp"

#include <ATen/TensorOperators.h>

#include <algorithm>

namespace pushforward {
namespace {

class DenoiserLatent : public Latent {
public:
    DenoiserLatent(const Denoiser& model, const DataSpec& spec, const DenoisingSampling& options)
        : model_(model), spec_(spec), options_(options) {
        if (solver_entry(options.sampler).random) options_.sampler = "heun";
        options_.solver.eta = 0;
    }

    LatentSpace latent_space() const override { return {"noise", spec_.x}; }

    Posterior encode(const Tensor& x, const Condition& c, Rng rng) const override {
        auto times = grid();
        std::reverse(times.begin(), times.end());
        const Tensor start = level_at(model_.path(), times.front()).alpha * x;
        return {solve("encode", start, c, times, rng) /
                level_at(model_.path(), times.back()).sigma};
    }
    Tensor decode(const Tensor& z, const Condition& c, Rng rng) const override {
        const auto times = grid();
        const Tensor start = level_at(model_.path(), times.front()).sigma * z;
        return solve("decode", start, c, times, rng) / level_at(model_.path(), times.back()).alpha;
    }

private:
    /// The times of [sample] with t_min in place of the 0 at their end.
    std::vector<double> grid() const {
        const Path& path = model_.path();
        auto times = time_grid(path, options_.grid, options_.steps, options_.rho);
        times.pop_back();
        if (times.back() > path.t_min()) times.push_back(path.t_min());
        return times;
    }
    Tensor solve(const std::string& who, const Tensor& x, const Condition& c,
                 const std::vector<double>& times, Rng& rng) const {
        check_conditions(who, spec_, c, x.size(0));
        return solver_entry(options_.sampler)
            .solve(steered(model_, spec_, options_, c), model_.path(), x, times, options_.solver,
                   rng);
    }

    const Denoiser& model_;
    DataSpec spec_;
    DenoisingSampling options_;
};

}  // namespace

std::unique_ptr<Latent> make_denoiser_latent(const Denoiser& model, const DataSpec& spec,
                                             const DenoisingSampling& options) {
    return std::make_unique<DenoiserLatent>(model, spec, options);
}

}  // namespace pushforward
