#pragma once

#include "pushforward/base/fields.hpp"
#include "pushforward/core/model.hpp"
#include "pushforward/nn/denoising_network.hpp"
#include "pushforward/samplers/denoising_sampler.hpp"

#include <memory>

namespace pushforward {

/// What every model on a Gaussian path has: a network, [model.network] name = "unet" | "mlp".
struct GaussianOptions : Options {
    Variant network;

    GaussianOptions();
    void visit(Fields& f) override;
};

/// x0 = c_skip x_t + c_out F(c_in x_t, c_noise), float64 [B] each (Karras et al. 2022, eq. 7).
struct Preconditioning {
    Tensor skip, out, in, noise;
};

/// A path together with the parametrisation of the network on it.
class GaussianPath : public Path {
public:
    virtual Preconditioning preconditioning(const Tensor& t) const = 0;
};

/// The one model behind ddpm, edm and flow_matching. `allows` float32, float64 and,
/// where the network bears it, bfloat16.
std::unique_ptr<Model> make_gaussian(std::shared_ptr<const GaussianPath> path,
                                     const GaussianOptions& options,
                                     const DenoisingSampling& sampling, const DataSpec& spec);

}  // namespace pushforward
