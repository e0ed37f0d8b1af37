#include "pushforward/simulators/autoregression.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/base/philox.hpp"
#include "pushforward/core/rng.hpp"

#include <torch/types.h>

#include <cmath>
#include <numbers>

namespace pushforward {
namespace {

/// Whether each partial autocorrelation is within (-1, 1), by the recursion of Levinson (1947) and
/// Durbin (1960) backwards: the condition of stationarity (Barndorff-Nielsen & Schou 1973).
bool is_stationary(std::vector<double> a) {
    for (; !a.empty(); a.pop_back()) {
        const double last = a.back();
        if (!(std::abs(last) < 1)) return false;
        const std::vector<double> longer = a;
        for (std::size_t j = 0; j + 1 < a.size(); ++j)
            a[j] = (longer[j] + last * longer[a.size() - 2 - j]) / (1 - last * last);
    }
    return true;
}

/// L with L L^T the covariance of p successive numbers: gamma_k = sum_j a_j gamma_|k-j| +
/// deviation^2 [k = 0] for k = 0..p.
Tensor stationary_factor(const AutoregressionOptions& o) {
    const auto p = static_cast<std::int64_t>(o.coefficients.size());
    PF_CHECK(p > 0, "sim:autoregression: coefficients", "at least one number", "none");
    PF_CHECK(p <= o.length, "sim:autoregression: coefficients",
             text("at most length = ", o.length, " numbers"), p);
    PF_CHECK(is_stationary(o.coefficients), "sim:autoregression: coefficients",
             "those of a stationary process", "others");
    Tensor equations = torch::eye(p + 1, torch::kDouble);
    auto entry = equations.accessor<double, 2>();
    for (std::int64_t k = 0; k <= p; ++k)
        for (std::int64_t j = 1; j <= p; ++j)
            entry[k][std::abs(k - j)] -= o.coefficients[static_cast<std::size_t>(j - 1)];
    Tensor noise = torch::zeros({p + 1}, torch::kDouble);
    noise[0] = o.deviation * o.deviation;
    const Tensor gamma = torch::linalg_solve(equations, noise);
    const Tensor i = torch::arange(p);
    const auto [factor, failed] = torch::linalg_cholesky_ex(gamma.take((i.unsqueeze(1) - i).abs()));
    PF_CHECK(failed.item<int>() == 0 && torch::isfinite(factor).all().item<bool>(),
             "sim:autoregression: coefficients", "those of a stationary process", "others");
    return factor;
}

class Autoregression : public Simulator {
public:
    explicit Autoregression(const AutoregressionOptions& o) : o_(o), factor_(stationary_factor(o)) {
        spec_.x = {Kind::real, {o.length}};
    }

    const DataSpec& spec() const override { return spec_; }
    bool has_log_prob() const override { return true; }

    Batch draw(std::span<const std::int64_t> items, std::uint64_t seed) const override {
        const auto length = static_cast<std::size_t>(o_.length), p = o_.coefficients.size();
        const auto factor = factor_.accessor<double, 2>();
        Batch batch;
        batch.x = torch::empty({static_cast<std::int64_t>(items.size()), o_.length});
        batch.index = torch::tensor(at::ArrayRef<std::int64_t>(items.data(), items.size()));
        auto* out = batch.x.data_ptr<float>();
        std::vector<double> z(length), x(length);
        const std::uint64_t key = Rng(seed).key();
        for (std::size_t i = 0; i < items.size(); ++i) {
            philox_normal({key, static_cast<std::uint64_t>(items[i]), 0}, 0, length, z.data());
            for (std::size_t t = 0; t < length; ++t) {
                x[t] = t < p ? 0 : o_.deviation * z[t];
                if (t < p)
                    for (std::size_t j = 0; j <= t; ++j)
                        x[t] += factor[static_cast<std::int64_t>(t)][static_cast<std::int64_t>(j)] *
                                z[j];
                else
                    for (std::size_t j = 0; j < p; ++j) x[t] += o_.coefficients[j] * x[t - 1 - j];
                out[i * length + t] = static_cast<float>(x[t]);
            }
        }
        return batch;
    }

    /// log N(x_1..x_p; 0, L L^T) + sum_t log N(x_t; sum_j a_j x_{t-j}, deviation^2).
    Tensor log_prob(const Tensor& x, const Condition&) const override {
        PF_CHECK(x.dim() == 2 && x.size(1) == o_.length, "Autoregression::log_prob",
                 text("x of shape [B, ", o_.length, "]"), x.sizes());
        const Tensor wide = x.to(torch::kDouble);
        const auto p = static_cast<std::int64_t>(o_.coefficients.size()), later = o_.length - p;
        const Tensor first = torch::linalg_solve_triangular(factor_, wide.narrow(1, 0, p).t(),
                                                            /*upper=*/false);
        Tensor rest = wide.narrow(1, p, later);
        for (std::int64_t j = 1; j <= p; ++j)
            rest = rest -
                   o_.coefficients[static_cast<std::size_t>(j - 1)] * wide.narrow(1, p - j, later);
        return -0.5 * first.square().sum(0) - factor_.diagonal().log().sum() -
               0.5 * (rest / o_.deviation).square().sum(1) -
               static_cast<double>(later) * std::log(o_.deviation) -
               0.5 * static_cast<double>(o_.length) * std::log(2 * std::numbers::pi);
    }

private:
    AutoregressionOptions o_;
    Tensor factor_;
    DataSpec spec_;
};

}  // namespace

void AutoregressionOptions::visit(Fields& f) {
    f.numbers("coefficients", coefficients, {"of the numbers 1, 2, ... places back"});
    f.number("deviation", deviation, {"standard deviation of the noise", "", 0, 1e6, true});
    f.integer("length", length, {"numbers of an item", "", 1, 65536});
}

std::unique_ptr<Simulator> make_autoregression(const AutoregressionOptions& o) {
    return std::make_unique<Autoregression>(o);
}

double entropy_rate(const AutoregressionOptions& o) {
    return 0.5 * std::log(2 * std::numbers::pi * std::numbers::e) + std::log(o.deviation);
}

double entropy(const AutoregressionOptions& o) {
    const Tensor factor = stationary_factor(o);
    const auto p = static_cast<double>(factor.size(0));
    return factor.diagonal().log().sum().item<double>() +
           0.5 * p * std::log(2 * std::numbers::pi * std::numbers::e) +
           (static_cast<double>(o.length) - p) * entropy_rate(o);
}

}  // namespace pushforward
