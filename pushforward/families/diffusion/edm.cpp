#include "pushforward/families/diffusion/edm.hpp"

#include "pushforward/base/errors.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/log.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/special_ndtri.h>
#include <ATen/ops/zeros_like.h>

namespace pushforward {
namespace {

class EdmPath : public GaussianPath {
public:
    EdmPath(double data, double low, double high) : data_(data), low_(low), high_(high) {}

    Level at(const Tensor& t) const override { return {at::ones_like(t), t}; }
    Level derivative(const Tensor& t) const override {
        return {at::zeros_like(t), at::ones_like(t)};
    }
    double t_min() const override { return low_; }
    double t_max() const override { return high_; }
    Tensor training_time(const Tensor& u) const override {
        // ln sigma ~ N(P_mean, P_std^2) with table 1's P_mean = -1.2, P_std = 1.2
        return at::exp(-1.2 + 1.2 * at::special_ndtri(u)).clamp(low_, high_);
    }
    Preconditioning preconditioning(const Tensor& t) const override {
        const Tensor total = t * t + data_ * data_, scale = at::rsqrt(total);
        // c_noise = ln(sigma) / 4, times 1000 for the units of the network's time embedding
        return {data_ * data_ / total, t * data_ * scale, scale, 250 * at::log(t)};
    }

private:
    double data_, low_, high_;
};

}  // namespace

void EdmOptions::visit(Fields& f) {
    f.number("sigma_data", sigma_data,
             {.doc = "standard deviation of the data",
              .unit = "model units",
              .low = 0,
              .open_low = true});
    f.number("sigma_min", sigma_min,
             {.doc = "least noise", .unit = "model units", .low = 0, .open_low = true});
    f.number("sigma_max", sigma_max,
             {.doc = "most noise", .unit = "model units", .low = 0, .open_low = true});
    GaussianOptions::visit(f);
}

std::shared_ptr<const GaussianPath> edm_path(double sigma_data, double sigma_min,
                                             double sigma_max) {
    PF_CHECK(sigma_min < sigma_max, "model.sigma_min", text("less than sigma_max, ", sigma_max),
             sigma_min);
    return std::make_shared<EdmPath>(sigma_data, sigma_min, sigma_max);
}

std::unique_ptr<Model> make_edm(const EdmOptions& options, const DenoisingSampling& sampling,
                                const DataSpec& spec) {
    return make_gaussian(edm_path(options.sigma_data, options.sigma_min, options.sigma_max),
                         options, sampling, spec);
}

DenoisingSampling edm_sampling() {
    DenoisingSampling o;
    o.sampler = "heun";
    o.grid = Grid::rho;
    o.steps = 18;
    return o;
}

}  // namespace pushforward
