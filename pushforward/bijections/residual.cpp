#include "pushforward/bijections/residual.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/nn/smooth_mlp.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_slogdet.h>
#include <ATen/ops/linalg_solve.h>
#include <ATen/ops/log1p.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include <cmath>

namespace pushforward {
namespace {

class Residual : public Bijection {
public:
    Residual(torch::nn::Module& parent, const std::string& name, const LayerShape& s,
             double lipschitz)
        : lipschitz_(lipschitz),
          network_(parent, name,
                   {.dimensions = s.dimensions,
                    .context = s.context,
                    .width = s.width,
                    .layers = s.layers,
                    .lipschitz = lipschitz},
                   SmoothMlp::Activation::lip_swish) {
        PF_CHECK(lipschitz > 0 && lipschitz < 1, "a residual map", "a Lipschitz bound in (0, 1)",
                 lipschitz);
    }

    Mapped forward(const Tensor& x, const Given& given) const override {
        const auto g = network_.in(x.scalar_type(), given.context);
        const auto local = g.at(x);
        return {x + local.y, log_det(g, local, given.noise)};
    }

    Mapped inverse(const Tensor& y, const Given& given) const override {
        const Tensor target = y.to(at::kDouble);
        const auto g = network_.in(at::kDouble, given.context);
        Tensor x = solved(g, target, y.scalar_type() == at::kDouble ? 1e-14 : 1e-9);
        auto local = g.at(x);
        if (at::GradMode::is_enabled()) {
            // dx = -(I + J)^-1 d(x + g(x) - y): one step of Newton's, the matrix held constant
            const Tensor matrix = plus_identity(g.jacobian(local.slopes)).detach();
            x = x - at::linalg_solve(matrix, (x + local.y - target).unsqueeze(2)).squeeze(2);
            local = g.at(x);
        }
        return {x.to(y.scalar_type()), -log_det(g, local, given.noise).to(y.scalar_type())};
    }

    bool estimates() const override { return true; }

private:
    static Tensor plus_identity(const Tensor& j) { return j + at::eye(j.size(2), j.options()); }

    /// x with x + g(x) = y by Banach's iteration; a row that is there stays as it is.
    Tensor solved(const SmoothMlp::Prepared& g, const Tensor& y, double tolerance) const {
        const at::NoGradGuard no_grad;
        // the step shrinks by `lipschitz_` each time; twice as often covers where it begins
        const auto most = static_cast<std::int64_t>(2 * std::log(tolerance) / std::log(lipschitz_));
        Tensor x = y;
        for (std::int64_t i = 0; i < most; ++i) {
            const Tensor next = y - g.value(x);
            const Tensor moving = (next - x).abs().amax(1) > tolerance * (1 + next.abs().amax(1));
            x = at::where(moving.unsqueeze(1), next, x);
            if (!moving.any().item<bool>()) break;
        }
        return x;
    }

    Tensor log_det(const SmoothMlp::Prepared& g, const SmoothMlp::Local& local,
                   const Rng* noise) const {
        if (noise) return estimate(g, local, *noise);
        return std::get<1>(at::linalg_slogdet(plus_identity(g.jacobian(local.slopes))));
    }

    /// sum_{k <= N} (-1)^(k+1) v^T J^k v / (k P(N >= k)) with signs v and P(N >= k) = c^(k-1): the
    /// k-th term is of the order of c^k, so that its square by that is still summable (Chen et al.
    /// 2019). Rows in falling order of N, so that those that go on come first.
    Tensor estimate(const SmoothMlp::Prepared& g, const SmoothMlp::Local& local, Rng rng) const {
        const std::int64_t rows = local.y.size(0);
        const auto device = local.y.device();
        const Tensor drawn = rng.uniform(local.y.sizes(), at::kFloat, device) < 0.5;
        const Tensor terms =
            1 + (at::log1p(-rng.uniform({rows}, at::kDouble)) / std::log(lipschitz_)).floor();
        const auto [count, falling] = terms.sort(0, true);
        const Tensor order = falling.to(device);
        const Tensor signs = (2 * drawn.to(local.y.scalar_type()) - 1).index_select(0, order);
        std::vector<Tensor> slopes;
        for (const Tensor& s : local.slopes) slopes.push_back(s.index_select(0, order));

        const double* last = count.const_data_ptr<double>();
        Tensor sum = at::zeros({rows}, signs.options()), power = signs;
        std::int64_t going = rows;
        for (std::int64_t k = 1;; ++k) {
            while (going > 0 && last[going - 1] < static_cast<double>(k)) --going;
            if (going == 0) break;
            for (Tensor& s : slopes) s = s.slice(0, 0, going);
            power = g.along(slopes, power.slice(0, 0, going));
            const double weight =
                (k % 2 == 1 ? 1 : -1) /
                (static_cast<double>(k) * std::pow(lipschitz_, static_cast<double>(k - 1)));
            const Tensor term = weight * (signs.slice(0, 0, going) * power).sum(1);
            sum = sum + at::constant_pad_nd(term, {0, rows - going});
        }
        return sum.index_select(0, order.argsort());
    }

    double lipschitz_;
    SmoothMlp network_;
};

}  // namespace

std::unique_ptr<Bijection> make_residual(torch::nn::Module& parent, const std::string& name,
                                         const LayerShape& shape, double lipschitz) {
    return std::make_unique<Residual>(parent, name, shape, lipschitz);
}

}  // namespace pushforward
