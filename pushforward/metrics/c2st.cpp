#include "pushforward/metrics/c2st.hpp"

#include "pushforward/base/errors.hpp"

#include <torch/optim/adam.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace pushforward {
namespace {

constexpr std::int64_t kFolds = 5;

/// A weight and a bias that begin as PyTorch's do, U(+-1/sqrt(fan_in)).
std::pair<Tensor, Tensor> layer(at::IntArrayRef shape, Rng& rng) {
    double fan_in = 1;
    for (auto s : shape.slice(1)) fan_in *= static_cast<double>(s);
    const double bound = 1 / std::sqrt(fan_in);
    auto uniform = [&](at::IntArrayRef s) {
        return ((2 * rng.uniform(s) - 1) * bound).requires_grad_();
    };
    return {uniform(shape), uniform({shape[0]})};
}

/// Scores of items, higher for the second set. The smallest network that meets the closed form on
/// shifted normals (vectors) and sees strokes and textures wherever they are (images).
class Scorer {
public:
    Scorer(at::IntArrayRef event, bool images, Rng rng) {
        if (images) {
            for (std::int64_t in = event[0], out = 16; out <= 64; in = out, out *= 2)
                layers_.push_back(layer({out, in, 3, 3}, rng));
            layers_.push_back(layer({1, 64 * kCells * kCells}, rng));
        } else {
            std::int64_t width = 1;
            for (auto s : event) width *= s;
            for (int i = 0; i < 2; ++i, width = 64) layers_.push_back(layer({64, width}, rng));
            layers_.push_back(layer({1, width}, rng));
        }
    }

    Tensor operator()(Tensor x) const {
        for (std::size_t i = 0; i + 1 < layers_.size(); ++i) {
            const auto& [w, b] = layers_[i];
            x = w.dim() == 4 ? at::silu(at::conv2d(x, w, b, 2, 1))
                             : at::silu(at::linear(x.flatten(1), w, b));
        }
        if (x.dim() == 4) x = at::adaptive_avg_pool2d(x, {kCells, kCells});
        return at::linear(x.flatten(1), layers_.back().first, layers_.back().second).squeeze(1);
    }

    std::vector<Tensor> parameters() const {
        std::vector<Tensor> all;
        for (const auto& [w, b] : layers_) all.insert(all.end(), {w, b});
        return all;
    }

private:
    static constexpr std::int64_t kCells = 2;
    std::vector<std::pair<Tensor, Tensor>> layers_;
};

struct Examples {
    Tensor x, y;
};

/// Adam until the loss on `stop` has not fallen for six epochs; leaves the best weights.
void fit(Scorer& scorer, const Examples& learn, const Examples& stop, Rng rng) {
    constexpr std::int64_t batch = 128, epochs = 60, patience = 6;
    const at::AutoGradMode with_gradients(true);
    const auto parameters = scorer.parameters();
    torch::optim::Adam adam(parameters, torch::optim::AdamOptions(2e-3));
    std::vector<Tensor> best;
    double lowest = INFINITY;
    const auto n = learn.x.size(0);
    for (std::int64_t epoch = 0, worse = 0; epoch < epochs && worse < patience; ++epoch) {
        const auto order =
            torch::tensor(rng.split(static_cast<std::uint64_t>(epoch)).permutation(n));
        for (std::int64_t i = 0; i < n; i += batch) {
            const Tensor rows = order.slice(0, i, std::min(i + batch, n));
            adam.zero_grad();
            at::binary_cross_entropy_with_logits(scorer(learn.x.index_select(0, rows)),
                                                 learn.y.index_select(0, rows))
                .backward();
            adam.step();
        }
        const at::NoGradGuard no_grad;
        const double loss =
            at::binary_cross_entropy_with_logits(scorer(stop.x), stop.y).item<double>();
        if (loss < lowest) {
            lowest = loss;
            worse = 0;
            best.clear();
            for (const auto& p : parameters) best.push_back(p.clone());
        } else {
            ++worse;
        }
    }
    const at::NoGradGuard no_grad;
    for (std::size_t i = 0; i < best.size(); ++i) parameters[i].copy_(best[i]);
}

/// Rows k, k + F, k + 2F, ... of a shuffled set.
Tensor fold_of(const Tensor& shuffled, std::int64_t k) {
    return shuffled.slice(0, k % kFolds, shuffled.size(0), kFolds);
}

Tensor as_float(const Tensor& x) {
    return x.detach().to(torch::kCPU, torch::kFloat);
}

class C2st : public Metric {
public:
    std::string refusal(const Judged& judged) const override {
        if (!judged.samples.defined()) return "it needs samples";
        if (!judged.held_out || !judged.held_out->x.defined()) return "it needs held-out rows";
        if (!judged.held_out->x.is_floating_point()) return "it needs real items";
        if (judged.held_out->size() < kLeast || judged.samples.size(0) < kLeast)
            return text("it needs ", kLeast, " samples and as many held-out rows");
        return "";
    }

    std::vector<std::pair<std::string, Measurement>> evaluate(const Judged& judged) const override {
        const Tensor& real = judged.held_out->x;
        return {{"c2st", classifier_auc(real, judged.samples, real.dim() == 4, Rng(judged.seed))}};
    }

private:
    static constexpr std::int64_t kLeast = 50;
};

}  // namespace

Measurement roc_auc(const Tensor& positive, const Tensor& negative) {
    PF_CHECK(positive.size(0) > 1 && negative.size(0) > 1, "roc_auc", "two scores of each kind",
             positive.size(0), " and ", negative.size(0));
    const Tensor p = positive.to(torch::kDouble).contiguous(),
                 q = negative.to(torch::kDouble).contiguous();
    // The share of `others` below each score, ties counted half.
    auto below = [](const Tensor& scores, const Tensor& others) {
        const Tensor sorted = std::get<0>(others.sort());
        const Tensor less = at::searchsorted(sorted, scores, false, false);
        const Tensor not_more = at::searchsorted(sorted, scores, false, true);
        return (less + not_more).to(torch::kDouble) / (2.0 * static_cast<double>(others.size(0)));
    };
    const Tensor v10 = below(p, q), v01 = 1 - below(q, p);
    const double variance = v10.var().item<double>() / static_cast<double>(p.size(0)) +
                            v01.var().item<double>() / static_cast<double>(q.size(0));
    return {v10.mean().item<double>(), std::sqrt(variance), p.size(0) + q.size(0),
            "area under the curve", false};
}

Measurement classifier_auc(const Tensor& a, const Tensor& b, bool images, Rng rng) {
    PF_CHECK(a.size(0) >= kFolds * 2 && b.size(0) >= kFolds * 2, "classifier_auc",
             text("at least ", kFolds * 2, " items in each set"), a.size(0), " and ", b.size(0));
    PF_CHECK(a.sizes().slice(1) == b.sizes().slice(1), "classifier_auc",
             "items of one shape in both sets", a.sizes().slice(1), " and ", b.sizes().slice(1));
    Rng folds = rng.split(0);
    const Tensor x = as_float(a).index_select(0, torch::tensor(folds.permutation(a.size(0))));
    const Tensor y = as_float(b).index_select(0, torch::tensor(folds.permutation(b.size(0))));

    double sum = 0, variance = 0;
    for (std::int64_t k = 0; k < kFolds; ++k) {
        std::vector<Tensor> items, labels;
        auto add = [&](std::int64_t fold) {
            for (const Tensor* set : {&x, &y}) {
                items.push_back(fold_of(*set, fold));
                labels.push_back(torch::full({items.back().size(0)}, set == &y ? 1.0F : 0.0F));
            }
        };
        auto taken = [&] {
            Examples e{torch::cat(items), torch::cat(labels)};
            items.clear();
            labels.clear();
            return e;
        };
        for (std::int64_t i = 2; i < kFolds; ++i) add(k + i);
        Examples learn = taken();
        add(k + 1);
        Examples stop = taken();

        // Each column to mean 0 and deviation 1 as the learning folds have them; images as a whole.
        const Tensor mean = images ? learn.x.mean() : learn.x.mean(0, true);
        const Tensor deviation = (images ? learn.x.std() : learn.x.std(0, true, true)) + 1e-12;
        auto scaled = [&](const Tensor& t) { return (t - mean) / deviation; };
        learn.x = scaled(learn.x);
        stop.x = scaled(stop.x);

        Rng stream = rng.split(static_cast<std::uint64_t>(k + 1));
        Scorer scorer(x.sizes().slice(1), images, stream.split(0));
        fit(scorer, learn, stop, stream.split(1));
        const at::NoGradGuard no_grad;
        const Measurement fold =
            roc_auc(scorer(scaled(fold_of(y, k))), scorer(scaled(fold_of(x, k))));
        sum += fold.value;
        variance += fold.standard_error * fold.standard_error;
    }
    return {sum / kFolds, std::sqrt(variance) / kFolds, a.size(0) + b.size(0),
            "area under the curve", false};
}

std::unique_ptr<Metric> make_c2st() {
    return std::make_unique<C2st>();
}

}  // namespace pushforward
