#include "pushforward/bijections/continuous.hpp"

#include "pushforward/math/ode.hpp"
#include "pushforward/nn/smooth_mlp.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

namespace pushforward {
namespace {

/// Kutta's method of 1901 in equal steps.
Tensor runge_kutta(const VectorField& f, Tensor y, double from, double to, std::int64_t steps) {
    const double h = (to - from) / static_cast<double>(steps);
    const auto at_time = [&](double t) {
        return at::full({1}, t, at::TensorOptions().dtype(at::kDouble).device(y.device()));
    };
    for (std::int64_t i = 0; i < steps; ++i) {
        const double t = from + h * static_cast<double>(i);
        const Tensor middle = at_time(t + h / 2);
        const Tensor k1 = f(at_time(t), y), k2 = f(middle, y + h / 2 * k1),
                     k3 = f(middle, y + h / 2 * k2), k4 = f(at_time(t + h), y + h * k3);
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4);
    }
    return y;
}

constexpr double kFiner = 1e-5;

class Continuous : public Bijection {
public:
    Continuous(torch::nn::Module& parent, const std::string& name, const LayerShape& s,
               const Integration& integration)
        : integration_(integration),
          field_(parent, name,
                 {.dimensions = s.dimensions,
                  .context = s.context,
                  .width = s.width,
                  .layers = s.layers,
                  .timed = true},
                 SmoothMlp::Activation::tanh) {}

    Mapped forward(const Tensor& x, const Given& given) const override {
        return integrate(x, given, 0, 1);
    }
    Mapped inverse(const Tensor& y, const Given& given) const override {
        return integrate(y, given, 1, 0);
    }
    bool estimates() const override { return true; }

private:
    Mapped integrate(const Tensor& x, const Given& given, double from, double to) const {
        const std::int64_t d = x.size(1);
        const auto f = field_.in(x.scalar_type(), given.context);
        Tensor signs;
        if (given.noise) {
            Rng rng = *given.noise;
            signs = 2 * (rng.uniform(x.sizes(), at::kFloat, x.device()) < 0.5).to(x.dtype()) - 1;
        }
        // the state is the point and, in its last place, the integral of the divergence
        const VectorField slope = [&](const Tensor& t, const Tensor& state) {
            const auto local = f.at(state.slice(1, 0, d), t);
            const Tensor divergence = signs.defined()
                                          ? (signs * f.along(local.slopes, signs)).sum(1)
                                          : f.trace(local.slopes);
            return at::cat({local.y, divergence.unsqueeze(1)}, 1);
        };
        const Tensor start = at::cat({x, at::zeros({x.size(0), 1}, x.options())}, 1);
        // who asks in float64 wants more than float32 can tell
        const double tolerance =
            integration_.tolerance * (x.scalar_type() == at::kDouble ? kFiner : 1);
        const Tensor end = integration_.steps > 0
                               ? runge_kutta(slope, start, from, to, integration_.steps)
                               : dormand_prince(slope, start, from, to, {tolerance, tolerance});
        return {end.slice(1, 0, d), end.select(1, d)};
    }

    Integration integration_;
    SmoothMlp field_;
};

}  // namespace

std::unique_ptr<Bijection> make_continuous(torch::nn::Module& parent, const std::string& name,
                                           const LayerShape& shape,
                                           const Integration& integration) {
    return std::make_unique<Continuous>(parent, name, shape, integration);
}

}  // namespace pushforward
