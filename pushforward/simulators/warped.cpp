#include "pushforward/simulators/warped.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/base/philox.hpp"
#include "pushforward/core/rng.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

namespace pushforward {
namespace {

/// A rotation or reflection, uniform by Haar's measure (Stewart 1980).
Tensor rotation(std::int64_t d, Rng rng) {
    const auto [q, r] = torch::linalg_qr(rng.normal({d, d}, torch::kDouble));
    return q * r.diagonal().sign();
}

class Warped : public Simulator {
public:
    explicit Warped(const WarpedOptions& o) : d_(o.dimension), rotated_(o.rotated) {
        const auto k = static_cast<std::int64_t>(o.weights.size());
        const double sum = std::accumulate(o.weights.begin(), o.weights.end(), 0.0);
        cumulative_ = o.weights;
        for (double& w : cumulative_) w /= sum;
        log_weight_ = torch::tensor(cumulative_, torch::kDouble).log();
        std::partial_sum(cumulative_.begin(), cumulative_.end(), cumulative_.begin());
        Rng law(static_cast<std::uint64_t>(o.law));
        mean_ = o.spread * law.normal({k, d_}, torch::kDouble);
        deviation_ = o.low + (o.high - o.low) * law.uniform({k, d_}, torch::kDouble);
        for (std::int64_t i = 0; i < k; ++i)
            axes_.push_back(rotation(d_, law.split(static_cast<std::uint64_t>(i))));
        rotation_ = rotation(d_, law.split(static_cast<std::uint64_t>(k)));
        spec_.x = {Kind::real, {d_}};
    }

    const DataSpec& spec() const override { return spec_; }
    bool has_log_prob() const override { return true; }

    Batch draw(std::span<const std::int64_t> items, std::uint64_t seed) const override {
        const auto n = static_cast<std::int64_t>(items.size());
        const auto width = static_cast<std::size_t>(d_);
        Tensor z = torch::empty({n, d_}, torch::kDouble), member = torch::empty({n}, torch::kLong);
        const std::uint64_t key = Rng(seed).key();
        for (std::size_t i = 0; i < items.size(); ++i) {
            const auto row = static_cast<std::uint64_t>(items[i]);
            double u;
            philox_uniform({key, row, 0}, 0, 1, &u);
            philox_normal({key, row, 1}, 0, width, z.data_ptr<double>() + i * width);
            const auto at = std::upper_bound(cumulative_.begin(), cumulative_.end(), u);
            member.data_ptr<std::int64_t>()[i] = std::min(
                at - cumulative_.begin(), static_cast<std::ptrdiff_t>(cumulative_.size()) - 1);
        }
        Tensor y = torch::empty_like(z);
        for (std::size_t k = 0; k < axes_.size(); ++k) {
            const auto component = static_cast<std::int64_t>(k);
            const Tensor of_k = (member == component).nonzero().squeeze(1);
            y.index_copy_(
                0, of_k,
                mean_[component] +
                    (z.index_select(0, of_k) * deviation_[component]).matmul(axes_[k].t()));
        }
        const Tensor x = rotated_ == Rotated::before ? y.matmul(rotation_.t()).sinh()
                                                     : y.sinh().matmul(rotation_.t());
        Batch batch;
        batch.x = x.to(torch::kFloat);
        batch.index = torch::tensor(at::ArrayRef<std::int64_t>(items.data(), items.size()));
        return batch;
    }

    Tensor log_prob(const Tensor& x, const Condition&) const override {
        PF_CHECK(x.dim() == 2 && x.size(1) == d_, "Warped::log_prob",
                 text("x of shape [B, ", d_, "]"), x.sizes());
        const Tensor wide = x.to(torch::kDouble);
        const bool before = rotated_ == Rotated::before;
        const Tensor flat = before ? wide : wide.matmul(rotation_);  // sinh of single numbers
        const Tensor y = before ? flat.asinh().matmul(rotation_) : flat.asinh();
        std::vector<Tensor> each;
        for (std::size_t k = 0; k < axes_.size(); ++k) {
            const auto component = static_cast<std::int64_t>(k);
            const Tensor off = (y - mean_[component]).matmul(axes_[k]) / deviation_[component];
            each.push_back(log_weight_[component] -
                           0.5 * (off.square() + std::log(2 * std::numbers::pi)).sum(1) -
                           deviation_[component].log().sum());
        }
        return torch::logsumexp(torch::stack(each), 0) - 0.5 * torch::log1p(flat.square()).sum(1);
    }

private:
    std::int64_t d_;
    Rotated rotated_;
    std::vector<double> cumulative_;
    Tensor log_weight_, mean_, deviation_, rotation_;
    std::vector<Tensor> axes_;
    DataSpec spec_;
};

}  // namespace

void WarpedOptions::visit(Fields& f) {
    f.integer("dimension", dimension, {"how many numbers a point has", "", 1, 1000});
    f.integer("law", law, {"the seed of the means, deviations and rotations", "", 0});
    f.numbers("weights", weights, {"one positive number a component"});
    f.number("spread", spread, {"deviation of the components' means", "", 0});
    f.number("low", low, {"smallest deviation of a component", "", 0, 1e6, true});
    f.number("high", high, {"largest deviation of a component", "", 0, 1e6, true});
    f.choice_of("rotated", rotated, {{"before", Rotated::before}, {"after", Rotated::after}},
                {"before sinh (x = sinh(R y)) or after it (x = R sinh(y))"});
}

std::unique_ptr<Simulator> make_warped(const WarpedOptions& o) {
    PF_CHECK(!o.weights.empty(), "sim:warped: weights", "at least one number", "none");
    for (double w : o.weights)
        PF_CHECK(w > 0 && std::isfinite(w), "sim:warped: weights", "positive numbers", w);
    PF_CHECK(o.low <= o.high, "sim:warped: high", text("at least low = ", o.low), o.high);
    return std::make_unique<Warped>(o);
}

}  // namespace pushforward
