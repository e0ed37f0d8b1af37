#include "pushforward/metrics/frechet.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/metrics/compared.hpp"

#include <torch/types.h>

namespace pushforward {
namespace {

struct Moments {
    Tensor mean, covariance;
};

Moments moments(const Tensor& x) {
    const Tensor mean = x.mean(0), off = x - mean;
    return {mean, off.t().matmul(off) / static_cast<double>(x.size(0) - 1)};
}

class Frechet : public Metric {
public:
    std::string refusal(const Judged& judged) const override { return compared_refusal(judged, 2); }
    std::string reservation(const Judged& judged) const override {
        return compared_reservation(judged);
    }
    std::vector<std::pair<std::string, Measurement>> evaluate(const Judged& judged) const override {
        const Compared sets = compared(judged);
        Measurement m = frechet(sets.samples, sets.held_out, Rng(judged.seed));
        m.unit = judged.judge ? "squared feature units" : "squared data units";
        return {{"frechet", m}};
    }
};

}  // namespace

double frechet_distance(const Tensor& mean1, const Tensor& covariance1, const Tensor& mean2,
                        const Tensor& covariance2) {
    const auto [values, vectors] = at::linalg_eigh(covariance1);
    const Tensor root = (vectors * values.clamp_min(0).sqrt()).matmul(vectors.t());
    const Tensor both = at::linalg_eigvalsh(root.matmul(covariance2).matmul(root));
    return ((mean1 - mean2).square().sum() + covariance1.trace() + covariance2.trace() -
            2 * both.clamp_min(0).sqrt().sum())
        .item<double>();
}

Measurement frechet(const Tensor& a, const Tensor& b, Rng rng, std::int64_t resamples) {
    PF_CHECK(a.dim() == 2 && b.dim() == 2 && a.size(1) == b.size(1), "frechet",
             "two sets of points of one space", a.sizes(), " and ", b.sizes());
    PF_CHECK(a.size(0) > 1 && b.size(0) > 1, "frechet", "2 points in each set", a.size(0), " and ",
             b.size(0));
    const torch::NoGradGuard no_grad;
    const Tensor x = a.to(torch::kDouble), y = b.to(torch::kDouble);
    const auto distance = [](const Tensor& p, const Tensor& q) {
        const Moments one = moments(p), other = moments(q);
        return frechet_distance(one.mean, one.covariance, other.mean, other.covariance);
    };
    const auto drawn = [&](const Tensor& p) {
        return p.index_select(0, rng.integers(0, p.size(0), {p.size(0)}));
    };
    std::vector<double> again;
    for (std::int64_t r = 0; r < resamples; ++r) {
        const Tensor p = drawn(x), q = drawn(y);
        again.push_back(distance(p, q));
    }
    const double error =
        resamples > 1 ? torch::tensor(again, torch::kDouble).std().item<double>() : 0;
    return {distance(x, y), error, a.size(0), "squared units", false};
}

std::unique_ptr<Metric> make_frechet() {
    return std::make_unique<Frechet>();
}

}  // namespace pushforward
