#include "pushforward/metrics/sliced_wasserstein.hpp"

#include "pushforward/base/errors.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace pushforward {
namespace {

/// The common refinement of the steps of two quantile functions: on a piece of `width`, the one
/// has its value number `a`, the other its value number `b`.
struct Pieces {
    Tensor a, b, width;
};

Pieces refine(std::int64_t n, std::int64_t m) {
    std::vector<std::int64_t> a, b;
    std::vector<double> width;
    const double whole = static_cast<double>(n) * static_cast<double>(m);
    std::int64_t at = 0;  // in units of 1 / (n m), exactly
    for (std::int64_t i = 0, j = 0; i < n && j < m;) {
        const std::int64_t next = std::min((i + 1) * m, (j + 1) * n);
        a.push_back(i);
        b.push_back(j);
        width.push_back(static_cast<double>(next - at) / whole);
        at = next;
        if (next == (i + 1) * m) ++i;
        if (next == (j + 1) * n) ++j;
    }
    return {torch::tensor(a), torch::tensor(b), torch::tensor(width, torch::kDouble)};
}

/// W_p^p of each row of projections a [K, N], b [K, M] -> [K].
Tensor distances(const Tensor& a, const Tensor& b, const Pieces& pieces, int order) {
    const Tensor difference = std::get<0>(a.sort(-1)).index_select(1, pieces.a) -
                              std::get<0>(b.sort(-1)).index_select(1, pieces.b);
    return (order == 1 ? difference.abs() : difference.square()).matmul(pieces.width);
}

double root(double power, int order) {
    return order == 1 ? power : std::sqrt(power);
}

Tensor flat(const Tensor& x) {
    return x.detach().to(torch::kCPU, torch::kDouble).flatten(1);
}

class SlicedWasserstein : public Metric {
public:
    explicit SlicedWasserstein(int order) : order_(order) {}

    std::string refusal(const Judged& judged) const override {
        if (!judged.samples.defined()) return "it needs samples";
        if (!judged.held_out || judged.held_out->size() < 4) return "it needs 4 held-out rows";
        if (!judged.held_out->x.is_floating_point()) return "it needs real items";
        if (judged.samples.size(0) < 2) return "it needs 2 samples";
        return "";
    }

    std::vector<std::pair<std::string, Measurement>> evaluate(const Judged& judged) const override {
        const std::string name = order_ == 1 ? "sliced_wasserstein" : "sliced_wasserstein_2";
        const Tensor& real = judged.held_out->x;
        const auto half = real.size(0) / 2;
        return {{name, sliced_wasserstein(judged.samples, real, order_, Rng(judged.seed))},
                {name + "/floor", sliced_wasserstein(real.slice(0, 0, half), real.slice(0, half),
                                                     order_, Rng(judged.seed))}};
    }

private:
    int order_;
};

}  // namespace

Measurement sliced_wasserstein(const Tensor& a, const Tensor& b, int order, Rng rng,
                               std::int64_t directions, std::int64_t resamples) {
    PF_CHECK(order == 1 || order == 2, "sliced_wasserstein", "order 1 or 2", order);
    PF_CHECK(a.size(0) > 0 && b.size(0) > 0, "sliced_wasserstein", "two sets that are not empty",
             a.size(0), " and ", b.size(0), " items");
    PF_CHECK(a.sizes().slice(1) == b.sizes().slice(1), "sliced_wasserstein",
             "items of one shape in both sets", a.sizes().slice(1), " and ", b.sizes().slice(1));
    const torch::NoGradGuard no_grad;
    const Tensor x = flat(a), y = flat(b);
    const auto n = x.size(0), m = y.size(0), d = x.size(1);

    Tensor w = torch::ones({1, 1}, torch::kDouble);
    if (d > 1) {
        w = rng.normal({directions, d}, torch::kDouble);
        w = w / w.norm(2, 1, true);
    }
    const Tensor px = w.matmul(x.t()), py = w.matmul(y.t());
    const Pieces pieces = refine(n, m);
    const Tensor each = distances(px, py, pieces, order);
    const double value = root(each.mean().item<double>(), order);

    // The spread over directions; for the root by the delta method.
    double variance = 0;
    if (d > 1) {
        variance = each.var().item<double>() / static_cast<double>(directions);
        if (order == 2) variance /= std::max(4 * value * value, 1e-300);
    }
    // The spread over items (Efron 1979), on some of the directions.
    const auto few = std::min<std::int64_t>(w.size(0), 64);
    std::vector<double> again;
    for (std::int64_t r = 0; r < resamples; ++r) {
        const Tensor i = rng.integers(0, n, {n}), j = rng.integers(0, m, {m});
        again.push_back(root(distances(px.slice(0, 0, few).index_select(1, i),
                                       py.slice(0, 0, few).index_select(1, j), pieces, order)
                                 .mean()
                                 .item<double>(),
                             order));
    }
    if (resamples > 1) variance += torch::tensor(again, torch::kDouble).var().item<double>();
    return {value, std::sqrt(variance), n, "data units", false};
}

std::unique_ptr<Metric> make_sliced_wasserstein(int order) {
    return std::make_unique<SlicedWasserstein>(order);
}

}  // namespace pushforward
