#include "pushforward/simulators/normal.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/base/philox.hpp"
#include "pushforward/core/rng.hpp"

#include <torch/types.h>

#include <cmath>
#include <numbers>

namespace pushforward {
namespace {

/// x = mean + L z with L L^T the covariance.
class Normal : public Simulator {
public:
    Normal(const Tensor& mean, const Tensor& factor) : mean_(mean), factor_(factor) {
        spec_.x = {Kind::real, {mean.size(0)}};
    }

    const DataSpec& spec() const override { return spec_; }
    bool has_log_prob() const override { return true; }

    Batch draw(std::span<const std::int64_t> items, std::uint64_t seed) const override {
        const auto n = static_cast<std::int64_t>(items.size()), d = mean_.size(0);
        Tensor z = torch::empty({n, d}, torch::kDouble);
        const std::uint64_t key = Rng(seed).key();
        for (std::size_t i = 0; i < items.size(); ++i)
            philox_normal({key, static_cast<std::uint64_t>(items[i]), 0}, 0,
                          static_cast<std::size_t>(d),
                          z.data_ptr<double>() + static_cast<std::int64_t>(i) * d);
        Batch batch;
        batch.x = (mean_ + z.matmul(factor_.t())).to(torch::kFloat);
        batch.index = torch::tensor(at::ArrayRef<std::int64_t>(items.data(), items.size()));
        return batch;
    }

    Tensor log_prob(const Tensor& x, const Condition&) const override {
        const auto d = mean_.size(0);
        PF_CHECK(x.dim() == 2 && x.size(1) == d, "Normal::log_prob",
                 text("x of shape [B, ", d, "]"), x.sizes());
        const Tensor off = (x.to(torch::kDouble) - mean_).t();
        const Tensor z = torch::linalg_solve_triangular(factor_, off, false);
        return -0.5 * z.square().sum(0) - factor_.diagonal().log().sum() -
               0.5 * static_cast<double>(d) * std::log(2 * std::numbers::pi);
    }

private:
    Tensor mean_, factor_;
    DataSpec spec_;
};

}  // namespace

void NormalOptions::visit(Fields& f) {
    f.numbers("mean", mean, {"one number a dimension"});
    f.numbers("covariance", covariance, {"a symmetric positive definite matrix, row after row"});
}

std::unique_ptr<Simulator> make_normal(const NormalOptions& o) {
    const auto d = static_cast<std::int64_t>(o.mean.size());
    PF_CHECK(d > 0, "sim:normal: mean", "at least one number", "none");
    PF_CHECK(static_cast<std::int64_t>(o.covariance.size()) == d * d, "sim:normal: covariance",
             text(d * d, " numbers"), o.covariance.size());
    for (double m : o.mean) PF_CHECK(std::isfinite(m), "sim:normal: mean", "finite numbers", m);
    const Tensor covariance = torch::tensor(o.covariance, torch::kDouble).view({d, d});
    PF_CHECK(torch::equal(covariance, covariance.t()), "sim:normal: covariance",
             "a symmetric matrix", "another");
    const auto [factor, failed] = torch::linalg_cholesky_ex(covariance);
    PF_CHECK(failed.item<int>() == 0 && torch::isfinite(factor).all().item<bool>(),
             "sim:normal: covariance", "a positive definite matrix", "another");
    return std::make_unique<Normal>(torch::tensor(o.mean, torch::kDouble), factor);
}

}  // namespace pushforward
