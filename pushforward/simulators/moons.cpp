#include "pushforward/simulators/moons.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/base/philox.hpp"
#include "pushforward/core/rng.hpp"

#include <torch/types.h>

#include <array>
#include <cmath>
#include <numbers>

namespace pushforward {
namespace {

using std::numbers::pi;

/// Nodes in (0, 1] and log-weights of a rule for integrands that vary fastest at 0: panels
/// [2^-j-1, 2^-j], j = 0..23, and [0, 2^-24], each with Gauss-Legendre's 16 points.
struct GradedRule {
    Tensor node, log_weight;
    GradedRule() {
        std::array<double, 16> z, w;
        for (int i = 0; i < 16; ++i) {  // Newton on Legendre's polynomial P_16
            double x = std::cos(pi * (i + 0.75) / 16.5), derivative = 0;
            for (int iteration = 0; iteration < 100; ++iteration) {
                double p = 1, before = 0;
                for (int k = 1; k <= 16; ++k) {
                    const double next = ((2 * k - 1) * x * p - (k - 1) * before) / k;
                    before = p;
                    p = next;
                }
                derivative = 16 * (x * p - before) / (x * x - 1);
                const double step = p / derivative;
                x -= step;
                if (std::abs(step) < 1e-15) break;
            }
            z[static_cast<std::size_t>(i)] = x;
            w[static_cast<std::size_t>(i)] = 2 / ((1 - x * x) * derivative * derivative);
        }
        std::vector<double> nodes, logs;
        for (int j = 0; j <= 24; ++j) {
            const double high = std::ldexp(1.0, -j), low = j == 24 ? 0 : high / 2;
            for (std::size_t i = 0; i < 16; ++i) {
                nodes.push_back(0.5 * (low + high) + 0.5 * (high - low) * z[i]);
                logs.push_back(std::log(0.5 * (high - low) * w[i]));
            }
        }
        node = torch::tensor(nodes, torch::kDouble);
        log_weight = torch::tensor(logs, torch::kDouble);
    }
};

/// log of (1 / pi) integral_0^pi N(p; (cos t, sin t), s^2 I) dt for p [B, 2].
/// With p = r (cos phi, sin phi) the integrand is, up to a factor, exp((r / s^2) cos(t - phi)):
/// it falls on both sides of phi when that lies on the arc; else it is least at phi + pi and
/// rises to both ends. Both pieces are integrated with panels that shrink to where it is largest.
Tensor log_arc(const Tensor& p, double s) {
    static const GradedRule rule;
    const Tensor x = p.select(1, 0), y = p.select(1, 1);
    const Tensor phi = torch::atan2(y, x).detach();
    const Tensor on_arc = phi >= 0;
    const Tensor middle = torch::where(on_arc, phi, phi + pi);
    std::vector<Tensor> pieces;
    for (const double end : {0.0, pi}) {
        const Tensor edge = torch::full_like(middle, end);
        const Tensor from = torch::where(on_arc, middle, edge);
        const Tensor to = torch::where(on_arc, edge, middle);
        const Tensor t = from.unsqueeze(1) + (to - from).unsqueeze(1) * rule.node;
        const Tensor square = (x.unsqueeze(1) - t.cos()).pow(2) + (y.unsqueeze(1) - t.sin()).pow(2);
        // an empty piece (phi at an end) has the logarithm of its length at -inf, as it should
        pieces.push_back(torch::logsumexp(-square / (2 * s * s) + rule.log_weight, 1) +
                         (to - from).abs().log());
    }
    return torch::logaddexp(pieces[0], pieces[1]) - std::log(pi) - std::log(2 * pi * s * s);
}

class Moons : public Simulator {
public:
    explicit Moons(const MoonsOptions& options) : options_(options) {
        spec_.x = {Kind::real, {2}};
        if (options.labels)
            spec_.conditions = {{"label", {Kind::symbol, {}, 2}, {"upper", "lower"}}};
    }

    const DataSpec& spec() const override { return spec_; }
    bool has_log_prob() const override { return true; }

    Batch draw(std::span<const std::int64_t> items, std::uint64_t seed) const override {
        const auto n = static_cast<std::int64_t>(items.size());
        Batch batch;
        batch.x = torch::empty({n, 2});
        batch.index = torch::tensor(at::ArrayRef<std::int64_t>(items.data(), items.size()));
        Tensor label = torch::empty({n}, torch::kLong);
        auto* x = batch.x.data_ptr<float>();
        auto* k = label.data_ptr<std::int64_t>();
        const std::uint64_t key = Rng(seed).key();
        for (std::size_t i = 0; i < items.size(); ++i) {
            const auto row = static_cast<std::uint64_t>(items[i]);
            std::array<double, 2> u, z;
            philox_uniform({key, row, 0}, 0, 2, u.data());
            philox_normal({key, row, 1}, 0, 2, z.data());
            const bool lower = u[0] < 0.5;
            const double t = pi * u[1];
            const double cx = lower ? 1 - std::cos(t) : std::cos(t);
            const double cy = lower ? 0.5 - std::sin(t) : std::sin(t);
            x[2 * i] = static_cast<float>(cx + options_.noise * z[0]);
            x[2 * i + 1] = static_cast<float>(cy + options_.noise * z[1]);
            k[i] = lower ? 1 : 0;
        }
        if (options_.labels) batch.c.value["label"] = label;
        return batch;
    }

    Tensor log_prob(const Tensor& x, const Condition& c) const override {
        PF_CHECK(x.dim() == 2 && x.size(1) == 2, "Moons::log_prob", "x of shape [B, 2]", x.sizes());
        std::vector<Tensor> parts;  // some rows at a time: a row takes 25 x 16 x 2 numbers an arc
        for (const Tensor& rows : x.to(torch::kDouble).split(512)) {
            // the lower arc is the upper one turned by a half around (1/2, 1/4)
            const Tensor turned = torch::tensor({1.0, 0.5}, torch::kDouble) - rows;
            parts.push_back(
                torch::stack({log_arc(rows, options_.noise), log_arc(turned, options_.noise)}, 1));
        }
        const Tensor each = torch::cat(parts);
        const Tensor marginal = torch::logsumexp(each, 1) - std::log(2.0);
        const auto label = c.value.find("label");
        if (label == c.value.end()) return marginal;
        const Tensor chosen = each.gather(1, label->second.view({-1, 1})).squeeze(1);
        const auto given = c.given.find("label");
        return given == c.given.end() ? chosen : torch::where(given->second, chosen, marginal);
    }

private:
    MoonsOptions options_;
    DataSpec spec_;
};

}  // namespace

void MoonsOptions::visit(Fields& f) {
    f.number("noise", noise, {"standard deviation around the arcs", "", 1e-3, 1e3});
    f.flag("labels", labels, {"condition `label`: 0 upper, 1 lower"});
}

std::unique_ptr<Simulator> make_moons(const MoonsOptions& options) {
    return std::make_unique<Moons>(options);
}

}  // namespace pushforward
