#pragma once

#include "pushforward/base/fields.hpp"
#include "pushforward/core/model.hpp"
#include "pushforward/nn/denoising_network.hpp"
#include "pushforward/samplers/denoising_sampler.hpp"

#include <memory>

namespace pushforward {

/// What every model on a Gaussian path has: a network, [model.network] name = "unet" | "mlp".
struct GaussianOptions : Options {
    bool learn_variance = false;
    Variant network;

    GaussianOptions();
    void visit(Fields& f) override;
};

/// x0 = c_skip x_t + c_out F(c_in x_t, c_noise), float64 [B] each (Karras et al. 2022, eq. 7).
struct Preconditioning {
    Tensor skip, out, in, noise;
};

/// What a network says of x_t = alpha x0 + sigma eps: eps (Ho et al. 2020), x0, v = (alpha eps -
/// sigma x0) / c with c^2 = alpha^2 + sigma^2 (Salimans & Ho 2022, where c = 1), or the score
/// -eps / sigma (Song & Ermon 2019).
enum class Prediction { epsilon, x0, v, score };
/// The option `prediction`.
void visit_prediction(Fields& f, Prediction& prediction);
/// x0 from that prediction; the network sees x_t / c, of unit variance where the data are.
Preconditioning preconditioning_of(Prediction prediction, const Level& level, const Tensor& noise);

/// A path together with the parametrisation of the network on it.
class GaussianPath : public Path {
public:
    virtual Preconditioning preconditioning(const Tensor& t) const = 0;
};

/// The one model behind ddpm, edm, flow_matching and score_sde. `allows` float32, float64 and,
/// where the network bears it, bfloat16.
std::unique_ptr<Model> make_gaussian(std::shared_ptr<const GaussianPath> path,
                                     const GaussianOptions& options,
                                     const DenoisingSampling& sampling, const DataSpec& spec);

}  // namespace pushforward
