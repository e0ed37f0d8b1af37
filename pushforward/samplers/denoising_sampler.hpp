#pragma once

#include "pushforward/base/fields.hpp"
#include "pushforward/samplers/guidance.hpp"
#include "pushforward/samplers/solvers.hpp"
#include "pushforward/samplers/time_grid.hpp"

#include <string>

namespace pushforward {

enum class Clip { automatic, yes, no };

/// The recipe's [sample] of every model that denoises.
struct DenoisingSampling : Options {
    std::string sampler = "ddim";  ///< a name of solver_catalogue()
    std::int64_t steps = 50;
    double guidance = 1;
    double guidance_low = Guidance{}.low, guidance_high = Guidance{}.high;
    SolverSettings solver = {};
    Grid grid = Grid::uniform;
    double rho = 7;
    double temperature = 1;
    Clip clip = Clip::automatic;

    void visit(Fields& f) override;
};

/// UsageError for options that contradict each other.
void check_sampling(const DenoisingSampling& options);

/// The denoiser that [sample] asks for: guided, and clipped where it says so.
Denoise steered(const Denoiser& model, const DataSpec& spec, const DenoisingSampling& options,
                const Condition& c, const Model* guide = nullptr,
                std::int64_t* evaluations = nullptr);

/// Draws request.n items of `spec.x` from a denoiser: x at t_max is normal with standard deviation
/// temperature x sigma(t_max), then the chosen solver carries it to t = 0. With a draft of strength
/// below 1 it begins at alpha draft.x + that noise, later in the grid; with draft.keep it inpaints
/// (samplers/editing.hpp). Row r depends on rng's key and request.first + r alone. Drops the graph.
/// UsageError for a request that does not fit `spec` and for a guide that cannot guide.
Samples sample_denoiser(const Denoiser& model, const DataSpec& spec,
                        const DenoisingSampling& options, const SampleRequest& request, Rng rng);

}  // namespace pushforward
