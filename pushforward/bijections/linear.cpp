#include "pushforward/bijections/linear.hpp"

#include "pushforward/nn/layers.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/diag.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_lu.h>
#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/linalg_solve_triangular.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/randperm.h>
#include <ATen/ops/zeros.h>
#include <torch/nn/module.h>

namespace pushforward {
namespace {

class Permutation : public Bijection {
public:
    explicit Permutation(Tensor order) : order_(std::move(order)) {}

    Mapped forward(const Tensor& x, const Given&) const override { return permuted(x, order_); }
    Mapped inverse(const Tensor& y, const Given&) const override {
        return permuted(y, order_.argsort());
    }

private:
    static Mapped permuted(const Tensor& x, const Tensor& order) {
        return {x.index_select(1, order.to(x.device())), at::zeros({x.size(0)}, x.options())};
    }

    Tensor order_;  ///< a buffer shares its storage
};

/// The numbers that a matrix maps, a row each: [B, D], or [B H W, C] of a picture's pixels.
Tensor columns(const Tensor& x) {
    return x.dim() == 2 ? x : x.movedim(1, -1).reshape({-1, x.size(1)});
}
/// Such rows in x's shape.
Tensor as(const Tensor& x, const Tensor& mapped) {
    if (x.dim() == 2) return mapped;
    return mapped.view({x.size(0), x.size(2), x.size(3), x.size(1)}).movedim(-1, 1);
}

class Rotation : public Bijection {
public:
    explicit Rotation(Tensor matrix) : matrix_(std::move(matrix)) {}

    Mapped forward(const Tensor& x, const Given&) const override {
        return times(x, matrix_.to(x.scalar_type()).t());
    }
    Mapped inverse(const Tensor& y, const Given&) const override {
        return times(y, matrix_.to(y.scalar_type()));
    }

    /// Q of Q R with R's diagonal positive: with the signs that a routine happens to choose Q
    /// would not be uniform.
    static Tensor drawn(std::int64_t d) {
        const auto [q, r] = at::linalg_qr(at::randn({d, d}, at::kDouble));
        return q * r.diagonal().sign();
    }

private:
    static Mapped times(const Tensor& x, const Tensor& matrix) {
        return {as(x, columns(x).matmul(matrix)), at::zeros({x.size(0)}, x.options())};
    }

    Tensor matrix_;  ///< a buffer
};

class LuLinear : public Bijection {
public:
    LuLinear(torch::nn::Module& own, std::int64_t d) {
        const Tensor rotation = std::get<0>(at::linalg_qr(at::randn({d, d}, at::kDouble)));
        const auto [p, l, u] = at::linalg_lu(rotation);
        const Tensor diagonal = u.diagonal();
        order_ = own.register_buffer("order", p.argmax(1));  // (P v)_i = v[order_i]
        sign_ = own.register_buffer("sign", diagonal.sign().to(at::kFloat));
        lower_ = parameter(own, "lower", l.tril(-1));
        upper_ = parameter(own, "upper", u.triu(1));
        log_diagonal_ = parameter(own, "log_diagonal", diagonal.abs().log());
    }

    Mapped forward(const Tensor& x, const Given&) const override {
        const auto dtype = x.scalar_type();
        const Tensor w = lower(dtype).matmul(upper(dtype)).index_select(0, order_);
        return {as(x, columns(x).matmul(w.t())), log_det(x)};
    }
    /// Solved in float64: W may be far from a rotation by now.
    Mapped inverse(const Tensor& y, const Given&) const override {
        const auto dtype = at::kDouble;
        const Tensor rows = columns(y).to(dtype).index_select(1, order_.argsort()).t();
        const Tensor half = at::linalg_solve_triangular(lower(dtype), rows, false, true, true);
        const Tensor x = at::linalg_solve_triangular(upper(dtype), half, true);
        return {as(y, x.t().to(y.scalar_type())), -log_det(y)};
    }

private:
    static Weight parameter(torch::nn::Module& own, const std::string& name, const Tensor& value) {
        return Weight(own.register_parameter(name, value.to(at::kFloat).contiguous()));
    }
    Tensor lower(at::ScalarType dtype) const {
        const Tensor l = lower_.in(dtype);
        return l.tril(-1) + at::eye(l.size(0), l.options());
    }
    Tensor upper(at::ScalarType dtype) const {
        return upper_.in(dtype).triu(1) + at::diag(sign_.to(dtype) * log_diagonal_.in(dtype).exp());
    }
    Tensor log_det(const Tensor& x) const {
        const Tensor s = log_diagonal_.in(x.scalar_type());
        return (s.sum() * (x.numel() / (x.size(0) * s.size(0)))).expand({x.size(0)});
    }

    Tensor order_, sign_;
    Weight lower_, upper_, log_diagonal_;
};

}  // namespace

std::unique_ptr<Bijection> make_reversal(std::int64_t dimensions) {
    return std::make_unique<Permutation>(at::arange(dimensions - 1, -1, -1));
}
std::unique_ptr<Bijection> make_permutation(torch::nn::Module& parent, const std::string& name,
                                            std::int64_t dimensions) {
    return std::make_unique<Permutation>(
        submodule(parent, name).register_buffer("order", at::randperm(dimensions)));
}
std::unique_ptr<Bijection> make_rotation(torch::nn::Module& parent, const std::string& name,
                                         std::int64_t dimensions) {
    return std::make_unique<Rotation>(
        submodule(parent, name).register_buffer("matrix", Rotation::drawn(dimensions)));
}
std::unique_ptr<Bijection> make_lu_linear(torch::nn::Module& parent, const std::string& name,
                                          std::int64_t dimensions) {
    return std::make_unique<LuLinear>(submodule(parent, name), dimensions);
}

}  // namespace pushforward
