#include "pushforward/simulators/mixture.hpp"

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

/// sum_k w_k N(m_k, s_k^2 I) in d dimensions.
class Mixture : public Simulator {
public:
    Mixture(std::int64_t d, std::vector<double> means, std::vector<double> weights,
            std::vector<double> sigma, bool labels)
        : d_(d), means_(std::move(means)), sigma_(std::move(sigma)), labels_(labels) {
        const auto k = static_cast<std::int64_t>(weights.size());
        const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
        for (double& w : weights) w /= sum;
        cumulative_.resize(weights.size());
        std::partial_sum(weights.begin(), weights.end(), cumulative_.begin());
        const auto wide = torch::TensorOptions().dtype(torch::kDouble);
        mean_ = torch::tensor(means_, wide).view({k, d});
        log_weight_ = torch::tensor(weights, wide).log();
        deviation_ = torch::tensor(sigma_, wide);
        spec_.x = {Kind::real, {d}};
        if (labels) spec_.conditions = {{"label", {Kind::symbol, {}, k}, {}}};
    }

    const DataSpec& spec() const override { return spec_; }
    bool has_log_prob() const override { return true; }

    Batch draw(std::span<const std::int64_t> items, std::uint64_t seed) const override {
        const auto n = static_cast<std::int64_t>(items.size());
        Batch batch;
        batch.x = torch::empty({n, d_});
        batch.index = torch::tensor(at::ArrayRef<std::int64_t>(items.data(), items.size()));
        Tensor label = torch::empty({n}, torch::kLong);
        auto* x = batch.x.data_ptr<float>();
        auto* k_of = label.data_ptr<std::int64_t>();
        const auto width = static_cast<std::size_t>(d_);
        std::vector<double> z(width);
        const std::uint64_t key = Rng(seed).key();
        for (std::size_t i = 0; i < items.size(); ++i) {
            const auto row = static_cast<std::uint64_t>(items[i]);
            double u;
            philox_uniform({key, row, 0}, 0, 1, &u);
            philox_normal({key, row, 1}, 0, width, z.data());
            const auto at = std::upper_bound(cumulative_.begin(), cumulative_.end(), u);
            const auto k = std::min<std::size_t>(static_cast<std::size_t>(at - cumulative_.begin()),
                                                 cumulative_.size() - 1);
            for (std::size_t j = 0; j < width; ++j)
                x[i * width + j] = static_cast<float>(means_[k * width + j] + sigma_[k] * z[j]);
            k_of[i] = static_cast<std::int64_t>(k);
        }
        if (labels_) batch.c.value["label"] = label;
        return batch;
    }

    Tensor log_prob(const Tensor& x, const Condition& c) const override {
        PF_CHECK(x.dim() == 2 && x.size(1) == d_, "Mixture::log_prob",
                 text("x of shape [B, ", d_, "]"), x.sizes());
        const Tensor square =
            (x.to(torch::kDouble).unsqueeze(1) - mean_).pow(2).sum(2) / deviation_.pow(2);
        const Tensor each = -0.5 * square - static_cast<double>(d_) * deviation_.log() -
                            0.5 * static_cast<double>(d_) * std::log(2 * std::numbers::pi);
        const Tensor marginal = torch::logsumexp(each + log_weight_, 1);
        const auto label = c.value.find("label");
        if (label == c.value.end()) return marginal;
        const Tensor chosen = each.gather(1, label->second.view({-1, 1})).squeeze(1);
        const auto given = c.given.find("label");
        return given == c.given.end() ? chosen : torch::where(given->second, chosen, marginal);
    }

private:
    std::int64_t d_;
    std::vector<double> means_, sigma_, cumulative_;
    Tensor mean_, deviation_, log_weight_;
    bool labels_;
    DataSpec spec_;
};

std::vector<double> repeated(double value, std::int64_t times) {
    return std::vector<double>(static_cast<std::size_t>(times), value);
}

const About about_labels{"condition `label`: the number of the component"};

}  // namespace

void RingOptions::visit(Fields& f) {
    f.integer("modes", modes, {"how many modes", "", 1, 4096});
    f.number("radius", radius, {"of the circle that the modes lie on", "", 0});
    f.number("sigma", sigma, {"standard deviation of each mode", "", 0, 1e6, true});
    f.flag("labels", labels, about_labels);
}

void GridOptions::visit(Fields& f) {
    f.integer("side", side, {"modes along each axis", "", 1, 64});
    f.number("spacing", spacing, {"distance of neighbouring modes", "", 0});
    f.number("sigma", sigma, {"standard deviation of each mode", "", 0, 1e6, true});
    f.flag("labels", labels, about_labels);
}

void MixtureOptions::visit(Fields& f) {
    f.integer("dimension", dimension, {"how many numbers a point has", "", 1, 4096});
    f.numbers("means", means, {"the means one after another, `dimension` numbers each"});
    f.numbers("weights", weights, {"one positive number a component; empty: all equal"});
    f.numbers("sigma", sigma, {"standard deviation: one number, or one a component"});
    f.flag("labels", labels, about_labels);
}

std::unique_ptr<Simulator> make_ring(const RingOptions& o) {
    std::vector<double> means;
    for (std::int64_t k = 0; k < o.modes; ++k) {
        const double angle =
            2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(o.modes);
        means.push_back(o.radius * std::cos(angle));
        means.push_back(o.radius * std::sin(angle));
    }
    return std::make_unique<Mixture>(2, means, repeated(1, o.modes), repeated(o.sigma, o.modes),
                                     o.labels);
}

std::unique_ptr<Simulator> make_grid(const GridOptions& o) {
    std::vector<double> means;
    const auto at = [&](std::int64_t i) {
        return o.spacing * (static_cast<double>(i) - 0.5 * static_cast<double>(o.side - 1));
    };
    for (std::int64_t i = 0; i < o.side; ++i)
        for (std::int64_t j = 0; j < o.side; ++j) {
            means.push_back(at(i));
            means.push_back(at(j));
        }
    const std::int64_t k = o.side * o.side;
    return std::make_unique<Mixture>(2, means, repeated(1, k), repeated(o.sigma, k), o.labels);
}

std::unique_ptr<Simulator> make_mixture(const MixtureOptions& o) {
    const auto d = static_cast<std::size_t>(o.dimension);
    PF_CHECK(!o.means.empty() && o.means.size() % d == 0, "sim:mixture: means",
             text("a multiple of dimension = ", d, " numbers"), o.means.size());
    const std::size_t k = o.means.size() / d;
    PF_CHECK(o.weights.empty() || o.weights.size() == k, "sim:mixture: weights",
             text(k, " numbers, one a component"), o.weights.size());
    PF_CHECK(o.sigma.size() == 1 || o.sigma.size() == k, "sim:mixture: sigma",
             text("1 or ", k, " numbers"), o.sigma.size());
    for (double m : o.means) PF_CHECK(std::isfinite(m), "sim:mixture: means", "finite numbers", m);
    for (double w : o.weights)
        PF_CHECK(w > 0 && std::isfinite(w), "sim:mixture: weights", "positive numbers", w);
    for (double s : o.sigma)
        PF_CHECK(s > 0 && std::isfinite(s), "sim:mixture: sigma", "positive numbers", s);
    return std::make_unique<Mixture>(
        o.dimension, o.means, o.weights.empty() ? std::vector<double>(k, 1) : o.weights,
        o.sigma.size() == k ? o.sigma : std::vector<double>(k, o.sigma[0]), o.labels);
}

}  // namespace pushforward
