#include "pushforward/metrics/wasserstein.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/math/assignment.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace pushforward {
namespace {

class Wasserstein2 : public Metric {
public:
    std::string refusal(const Judged& judged) const override {
        if (!judged.samples.defined()) return "it needs samples";
        if (!judged.held_out || judged.held_out->size() < 4) return "it needs 4 held-out rows";
        if (!judged.held_out->x.is_floating_point()) return "it needs real items";
        if (judged.samples.size(0) < 2) return "it needs 2 samples";
        return "";
    }

    std::vector<std::pair<std::string, Measurement>> evaluate(const Judged& judged) const override {
        const Tensor& real = judged.held_out->x;
        const auto n =
            std::min<std::int64_t>({judged.samples.size(0), real.size(0) / 2, std::int64_t{2000}});
        const Tensor first = real.slice(0, 0, n);
        return {{"wasserstein_2", wasserstein_2(judged.samples.slice(0, 0, n), first)},
                {"wasserstein_2/floor", wasserstein_2(real.slice(0, n, 2 * n), first)}};
    }
};

}  // namespace

Measurement wasserstein_2(const Tensor& a, const Tensor& b) {
    PF_CHECK(a.sizes() == b.sizes() && a.size(0) > 0, "wasserstein_2",
             "two sets of as many items of one shape", a.sizes(), " and ", b.sizes());
    const torch::NoGradGuard no_grad;
    const Tensor cost = squared_distances(a.to(torch::kCPU), b.to(torch::kCPU));
    const Tensor partner = torch::tensor(assignment(cost), torch::kLong);
    const Tensor each = cost.gather(1, partner.unsqueeze(1)).squeeze(1);
    const auto n = a.size(0);
    const double value = std::sqrt(each.mean().item<double>());
    const double spread = n > 1 ? each.std().item<double>() / std::sqrt(static_cast<double>(n)) : 0;
    return {value, value > 0 ? spread / (2 * value) : 0, n, "data units", false};
}

std::unique_ptr<Metric> make_wasserstein_2() {
    return std::make_unique<Wasserstein2>();
}

}  // namespace pushforward
