#include "pushforward/bijections/planar.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/nn/layers.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/diag_embed.h>
#include <ATen/ops/expm1.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/log1p.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/softplus.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <torch/nn/module.h>

#include <cmath>
#include <limits>
#include <numbers>

namespace pushforward {
namespace {

/// The numbers that a map is made of: [1, P], or [B, P] with a context.
class Numbers {
public:
    Numbers(torch::nn::Module& parent, const std::string& name, std::int64_t context,
            const Tensor& begin) {
        torch::nn::Module& own = submodule(parent, name);
        numbers_ = Weight(own.register_parameter("numbers", begin.to(at::kFloat).contiguous()));
        if (context > 0)
            projection_ =
                Weight(own.register_parameter("projection", at::zeros({begin.size(0), context})));
    }
    Tensor in(at::ScalarType dtype, const Tensor& context) const {
        const Tensor all = numbers_.in(dtype).unsqueeze(0);
        if (!context.defined() || !projection_.parameter().defined()) return all;
        return all + context.to(dtype).matmul(projection_.in(dtype).t());
    }

private:
    Weight numbers_, projection_;
};

Tensor row_dot(const Tensor& a, const Tensor& b) {
    return (a * b).sum(-1);
}

struct Constrained {
    Tensor u, room;
};

/// u + (m(w.u) - w.u) w / |w|^2 over the last dimension, and 1 + m(w.u) > 0, which 1 + w.u becomes.
/// m(a) - a = log(1 + (e^-a - 1) / e) vanishes with a, and is divided by |w|^2: no cancellation.
Constrained invertible(const Tensor& u, const Tensor& w) {
    constexpr double e = std::numbers::e;
    const Tensor a = row_dot(w, u);
    const Tensor right = at::log1p(at::expm1(-a.clamp_min(0)) / e);
    const Tensor left = at::log1p(at::expm1(a.clamp_max(0)) * (1 - 1 / e)) - a;
    const Tensor change = at::where(a > 0, right, left) / row_dot(w, w).clamp_min(1e-30);
    // ATen's softplus is the identity from 20 on, which is not enough for float64
    return {u + change.unsqueeze(-1) * w, at::softplus(a + std::log(e - 1), 1, 40)};
}

/// 1 + (room - 1) tanh'(.), where h is the tanh: positive as both terms are.
Tensor slope_of(const Tensor& room, const Tensor& h) {
    return h.square() + room * (1 - h.square());
}

/// z [B] with z + p tanh(q z + c) = t and room = 1 + p q > 0: the left side rises, and z is within
/// |p| of t. `rtsafe` of Press et al. (2007, sec. 9.4).
Tensor solved(const Tensor& p, const Tensor& q, const Tensor& room, const Tensor& c,
              const Tensor& t) {
    const auto value = [&](const Tensor& z) { return z + p * at::tanh(q * z + c) - t; };
    const auto slope = [&](const Tensor& z) { return slope_of(room, at::tanh(q * z + c)); };
    Tensor z = t.detach();
    {
        const at::NoGradGuard no_grad;
        constexpr double eps = std::numeric_limits<double>::epsilon();
        const Tensor close = 4 * eps * (t.abs() + p.abs());
        Tensor low = t - p.abs(), high = t + p.abs(), before = high - low,
               moving = at::ones_like(z, at::kBool);
        for (int i = 0; i < 200; ++i) {
            const Tensor f = value(z);
            low = at::where(f <= 0, z, low);
            high = at::where(f >= 0, z, high);
            const Tensor newton = z - f / slope(z);
            const Tensor good = (newton >= low)
                                    .logical_and(newton <= high)
                                    .logical_and((newton - z).abs() <= before / 2);
            const Tensor step = at::where(good, newton, (low + high) / 2) - z;
            z = at::where(moving, z + step, z);
            before = step.abs();
            // until F is rounding alone, or z stands still; what is there would be bisected away
            moving = moving.logical_and(f.abs() > close).logical_and(before > eps * z.abs());
            if (!moving.any().item<bool>()) break;
        }
    }
    // dz = -dF / F': a step of Newton's that moves nothing, as F is only rounding here
    const Tensor f = value(z);
    return z - (f - f.detach()) / slope(z).detach();
}

class Planar : public Bijection {
public:
    Planar(torch::nn::Module& parent, const std::string& name, std::int64_t d, std::int64_t context)
        : d_(d),
          numbers_(parent, name, context,
                   at::cat({0.1 * at::randn({d}), at::randn({d}) / std::sqrt(double(d)),
                            at::zeros({1})})) {}

    Mapped forward(const Tensor& x, const Given& given) const override {
        const Form f = form(x.scalar_type(), given.context);
        const Tensor h = at::tanh(row_dot(f.w, x) + f.b);
        return {x + f.u * h.unsqueeze(1), log_det(f, h)};
    }
    Mapped inverse(const Tensor& y, const Given& given) const override {
        const Form f = form(at::kDouble, given.context);
        const Tensor target = y.to(at::kDouble);
        const Tensor z =
            solved(f.room - 1, at::ones_like(f.room), f.room, f.b, row_dot(f.w, target));
        const Tensor h = at::tanh(z + f.b);
        return {(target - f.u * h.unsqueeze(1)).to(y.scalar_type()),
                -log_det(f, h).to(y.scalar_type())};
    }

private:
    struct Form {
        Tensor u, w, room, b;  ///< [1 or B, D] twice, [1 or B] twice
    };
    Form form(at::ScalarType dtype, const Tensor& context) const {
        const Tensor all = numbers_.in(dtype, context);
        const Tensor w = all.slice(1, d_, 2 * d_);
        const auto [u, room] = invertible(all.slice(1, 0, d_), w);
        return {u, w, room, all.select(1, 2 * d_)};
    }
    static Tensor log_det(const Form& f, const Tensor& h) { return slope_of(f.room, h).log(); }

    std::int64_t d_;
    Numbers numbers_;
};

class Radial : public Bijection {
public:
    Radial(torch::nn::Module& parent, const std::string& name, std::int64_t d, std::int64_t context)
        : d_(d), numbers_(parent, name, context, at::cat({at::randn({d}), at::zeros({2})})) {}

    Mapped forward(const Tensor& x, const Given& given) const override {
        const Form f = form(x.scalar_type(), given.context);
        const Tensor from = x - f.centre, r = at::linalg_vector_norm(from, 2, {1});
        const Tensor stretch = f.beta / (f.alpha + r);
        return {x + stretch.unsqueeze(1) * from, log_det(f, r)};
    }
    Mapped inverse(const Tensor& y, const Given& given) const override {
        const Form f = form(at::kDouble, given.context);
        const Tensor from = y.to(at::kDouble) - f.centre, s = at::linalg_vector_norm(from, 2, {1});
        // s (alpha + r) = r (alpha + beta + r): r^2 + b r - alpha s = 0, without cancellation
        const Tensor b = f.alpha + f.beta - s;
        const Tensor root = (b.square() + 4 * f.alpha * s).sqrt();
        const Tensor sum = root + b.abs();
        const Tensor r = at::where(b > 0, 2 * f.alpha * s / sum, sum / 2);
        const Tensor shrink = (f.alpha + r) / (f.alpha + f.beta + r);
        return {(f.centre + shrink.unsqueeze(1) * from).to(y.scalar_type()),
                -log_det(f, r).to(y.scalar_type())};
    }

private:
    struct Form {
        Tensor centre, alpha, beta;  ///< [1 or B, D], [1 or B], [1 or B]
    };
    Form form(at::ScalarType dtype, const Tensor& context) const {
        const Tensor all = numbers_.in(dtype, context);
        const Tensor alpha = at::softplus(all.select(1, d_));
        return {all.slice(1, 0, d_), alpha, at::softplus(all.select(1, d_ + 1)) - alpha};
    }
    /// Across the radius the map stretches by 1 + beta / (alpha + r), D - 1 times; along it by
    /// 1 + alpha beta / (alpha + r)^2.
    Tensor log_det(const Form& f, const Tensor& r) const {
        const Tensor far = f.alpha + r, stretch = f.beta / far;
        return static_cast<double>(d_ - 1) * at::log1p(stretch) +
               at::log1p(stretch * f.alpha / far);
    }

    std::int64_t d_;
    Numbers numbers_;
};

class Sylvester : public Bijection {
public:
    Sylvester(torch::nn::Module& parent, const std::string& name, std::int64_t d,
              std::int64_t context, std::int64_t rank)
        : d_(d),
          rank_(rank),
          numbers_(parent, name, context,
                   at::cat({at::randn({rank * d}),
                            0.1 * at::randn({rank * rank}) / std::sqrt(double(rank)),
                            at::randn({rank}), at::zeros({rank})})) {
        PF_CHECK(rank >= 1 && rank <= d, "a Sylvester map", text("a rank from 1 to ", d), rank);
    }

    Mapped forward(const Tensor& x, const Given& given) const override {
        const Form f = form(x.scalar_type(), given.context);
        const Tensor z = f.down(x).slice(1, 0, rank_);
        const Tensor h = at::tanh(times(f.s, z) + f.b);
        return {x + moved(f, h), log_det(f, h)};
    }
    Mapped inverse(const Tensor& y, const Given& given) const override {
        const Form f = form(at::kDouble, given.context);
        const Tensor target = y.to(at::kDouble);
        const Tensor v = f.down(target).slice(1, 0, rank_);
        // Q^T y = z + R tanh(S z + b): the last number of z alone, then each with those behind it
        std::vector<Tensor> z, h;  // from the last
        for (std::int64_t i = rank_ - 1; i >= 0; --i) {
            Tensor left = v.select(1, i), shift = f.b.select(1, i);
            for (std::int64_t j = rank_ - 1; j > i; --j) {
                const auto at = static_cast<std::size_t>(rank_ - 1 - j);
                left = left - f.r.select(1, i).select(1, j) * h[at];
                shift = shift + f.s.select(1, i).select(1, j) * z[at];
            }
            const Tensor slope = f.s.select(1, i).select(1, i);
            z.push_back(
                solved(f.r.select(1, i).select(1, i), slope, f.room.select(1, i), shift, left));
            h.push_back(at::tanh(slope * z.back() + shift));
        }
        const Tensor all = at::stack(h, 1).flip(1);
        return {(target - moved(f, all)).to(y.scalar_type()), -log_det(f, all).to(y.scalar_type())};
    }

private:
    struct Form {
        Tensor v, r, s, room, b;  ///< [1 or B, M, D], [1 or B, M, M] twice, [1 or B, M] twice

        /// Householder's reflections of x, each by its v: in order (down), or the other way.
        Tensor reflected(const Tensor& x, std::int64_t i) const {
            const Tensor w = v.select(1, i);
            return x - (2 * row_dot(w, x) / row_dot(w, w).clamp_min(1e-30)).unsqueeze(1) * w;
        }
        Tensor down(Tensor x) const {
            for (std::int64_t i = 0; i < v.size(1); ++i) x = reflected(x, i);
            return x;
        }
        Tensor up(Tensor x) const {
            for (std::int64_t i = v.size(1) - 1; i >= 0; --i) x = reflected(x, i);
            return x;
        }
    };

    /// R has the upper half of a full matrix and its diagonal, S the lower half, turned, and a
    /// diagonal of its own.
    Form form(at::ScalarType dtype, const Tensor& context) const {
        const std::int64_t m = rank_;
        const auto parts = numbers_.in(dtype, context).split_with_sizes({m * d_, m * m, m, m}, 1);
        const Tensor full = parts[1].view({-1, m, m}), s = parts[2];
        const auto [r, room] = invertible(full.diagonal(0, 1, 2).unsqueeze(2), s.unsqueeze(2));
        return {parts[0].view({-1, m, d_}), full.triu(1) + at::diag_embed(r.squeeze(2)),
                full.transpose(1, 2).triu(1) + at::diag_embed(s), room, parts[3]};
    }
    static Tensor times(const Tensor& matrix, const Tensor& z) {
        return (matrix * z.unsqueeze(1)).sum(2);
    }
    /// Q R h.
    Tensor moved(const Form& f, const Tensor& h) const {
        const Tensor inside = times(f.r, h);
        return f.up(at::cat({inside, at::zeros({h.size(0), d_ - rank_}, h.options())}, 1));
    }
    static Tensor log_det(const Form& f, const Tensor& h) {
        return slope_of(f.room, h).log().sum(1);
    }

    std::int64_t d_, rank_;
    Numbers numbers_;
};

}  // namespace

std::unique_ptr<Bijection> make_planar(torch::nn::Module& parent, const std::string& name,
                                       std::int64_t dimensions, std::int64_t context) {
    return std::make_unique<Planar>(parent, name, dimensions, context);
}
std::unique_ptr<Bijection> make_radial(torch::nn::Module& parent, const std::string& name,
                                       std::int64_t dimensions, std::int64_t context) {
    return std::make_unique<Radial>(parent, name, dimensions, context);
}
std::unique_ptr<Bijection> make_sylvester(torch::nn::Module& parent, const std::string& name,
                                          std::int64_t dimensions, std::int64_t context,
                                          std::int64_t rank) {
    return std::make_unique<Sylvester>(parent, name, dimensions, context, rank);
}

}  // namespace pushforward
