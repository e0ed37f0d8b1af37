#include "pushforward/families/diffusion/flow_matching.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/ones_like.h>

namespace pushforward {
namespace {

class StraightPath : public GaussianPath {
public:
    Level at(const Tensor& t) const override { return {1 - t, t}; }
    Level derivative(const Tensor& t) const override {
        return {at::full_like(t, -1), at::ones_like(t)};
    }
    double t_min() const override { return 1e-3; }
    double t_max() const override { return 1; }
    Tensor training_time(const Tensor& u) const override {
        return t_min() + (t_max() - t_min()) * u;
    }
    Preconditioning preconditioning(const Tensor& t) const override {
        // x_t = x0 + t (eps - x0), so x0 = x_t - t F
        const Tensor one = at::ones_like(t);
        return {one, -t, one, 1000 * t};
    }
};

}  // namespace

std::shared_ptr<const GaussianPath> straight_path() {
    return std::make_shared<StraightPath>();
}

std::unique_ptr<Model> make_flow_matching(const FlowMatchingOptions& options,
                                          const DenoisingSampling& sampling, const DataSpec& spec) {
    return make_gaussian(straight_path(), options, sampling, spec);
}

DenoisingSampling flow_matching_sampling() {
    DenoisingSampling o;
    o.sampler = "euler";
    return o;
}

}  // namespace pushforward
