#include "pushforward/families/autoregressive/autoregressive.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/nn/embedding.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/zeros.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace pushforward {
namespace {

/// Numbers of a condition that a network hears.
constexpr std::int64_t kContext = 64;
/// Logits at hand at a time where no gradient is asked for.
constexpr std::int64_t kMostLogits = std::int64_t{1} << 25;

class Autoregressive : public Model, public Density, public Sequential {
public:
    Autoregressive(const DataSpec& spec, const SymbolSampling& sampling,
                   std::unique_ptr<SymbolCode> code, const SequenceNetworkBuilder& build)
        : spec_(spec), sampling_(sampling), code_(std::move(code)) {
        const std::int64_t context = spec.conditions.empty() ? 0 : kContext;
        network_ = build(code_->symbols(), context);
        module_.register_module("network", network_->module());
        if (context > 0)
            condition_ = ConditionEmbedding(module_, "condition", spec.conditions, context);
    }

    const DataSpec& spec() const override { return spec_; }
    torch::nn::Module& module() override { return module_; }
    bool allows(at::ScalarType dtype) const override {
        return dtype == at::kFloat || dtype == at::kBFloat16 || dtype == at::kDouble;
    }
    void compute_in(at::ScalarType dtype) override { network_->compute_in(dtype); }

    Samples sample(const SampleRequest& request, Rng rng) const override {
        check_conditions("sample", spec_, request.c, request.n);
        Samples drawn =
            sample_symbols(*this, request, sampling_, code_->length(), spec_.x.end, rng);
        drawn.x = code_->to_items(drawn.x);
        return drawn;
    }

    const Density* density() const override { return this; }
    std::vector<Estimator> estimators() const override {
        return {{"exact", Strength::exact, Measure::mass}};
    }
    Tensor log_prob(const Tensor& x, const Condition& c, const std::string&, Rng) const override {
        return log_probs(code_->to_symbols(x), c).sum(1);
    }

    const Sequential* sequential() const override { return this; }
    std::int64_t symbols() const override { return code_->symbols(); }
    Tensor to_symbols(const Tensor& x) const override { return code_->to_symbols(x); }
    Tensor to_items(const Tensor& symbols) const override { return code_->to_items(symbols); }

    Tensor logits(const Tensor& symbols, const Condition& c) const override {
        return by_windows(symbols, c, [](const Tensor& logits, const Tensor&) { return logits; });
    }
    Tensor log_probs(const Tensor& symbols, const Condition& c) const override {
        return by_windows(symbols, c, [](const Tensor& logits, const Tensor& of) {
            const at::ScalarType wide =
                logits.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
            const Tensor log_p = at::log_softmax(logits, -1, wide);
            return log_p.gather(2, of.clamp_min(0).unsqueeze(2)).squeeze(2) * of.ge(0);
        });
    }

    std::unique_ptr<Sequential::State> start(const Condition& c, std::int64_t n) const override;
    Tensor next(Sequential::State& state, const Tensor& came) const override;

private:
    Tensor context_of(const Condition& c, std::int64_t rows, at::Device device) const {
        if (spec_.conditions.empty()) return {};
        return condition_(at::zeros({rows, kContext}, device), c);
    }

    /// rule(logits, symbols) of the places of windows, [rows, places, ...], put together: [B, L,
    /// ...].
    template <class Rule>
    Tensor by_windows(const Tensor& symbols, const Condition& c, const Rule& rule) const;

    DataSpec spec_;
    SymbolSampling sampling_;
    std::unique_ptr<SymbolCode> code_;
    torch::nn::Module module_{"autoregressive"};
    std::shared_ptr<SequenceNetwork> network_;
    ConditionEmbedding condition_;
};

template <class Rule>
Tensor Autoregressive::by_windows(const Tensor& symbols, const Condition& c,
                                  const Rule& rule) const {
    const std::int64_t b = symbols.size(0), l = symbols.size(1), longest = network_->longest();
    const Tensor context = context_of(c, b, symbols.device());
    const std::int64_t span = longest > 0 ? std::min(longest, l) : l, half = longest / 2;
    const std::int64_t more = l > span ? (l - span + half - 1) / half : 0;
    // Windows of all items as rows: [B (1 + more), span].
    Tensor rows = symbols;
    if (more > 0)
        rows = at::constant_pad_nd(symbols, {0, span + more * half - l}, -1)
                   .unfold(1, span, half)
                   .reshape({-1, span});
    const Tensor contexts =
        context.defined() && more > 0 ? context.repeat_interleave(1 + more, 0) : context;
    const bool whole = at::GradMode::is_enabled();
    const std::int64_t piece =
        whole ? rows.size(0)
              : std::max<std::int64_t>(
                    1, kMostLogits / std::max<std::int64_t>(1, span * code_->symbols()));
    std::vector<Tensor> parts;
    for (std::int64_t i = 0; i < rows.size(0); i += piece) {
        const Tensor of = rows.slice(0, i, std::min(i + piece, rows.size(0)));
        const Tensor hears =
            contexts.defined() ? contexts.slice(0, i, std::min(i + piece, rows.size(0))) : contexts;
        parts.push_back(rule(network_->forward(of, hears), of));
    }
    const Tensor all = parts.size() == 1 ? parts[0] : at::cat(parts);
    if (more == 0) return all;
    const Tensor windows = all.unflatten(0, {b, 1 + more});  // [B, windows, span, ...]
    return at::cat({windows.select(1, 0), windows.slice(1, 1).slice(2, span - half).flatten(1, 2)},
                   1)
        .slice(1, 0, l);
}

/// A network's cache and, where it takes a limited number of symbols, all that came.
struct AutoregressiveState : Sequential::State {
    std::unique_ptr<SequenceNetwork::State> cache;
    Tensor context;
    std::vector<Tensor> came = {};  // [n, k] each, of the window at hand
    std::int64_t n = 0, held = 0;   // rows, and symbols that the window holds
};

std::unique_ptr<Sequential::State> Autoregressive::start(const Condition& c, std::int64_t n) const {
    check_conditions("start", spec_, c, n);
    auto s = std::make_unique<AutoregressiveState>();
    s->context = context_of(c, n, at::kCPU);
    s->cache = network_->start(n, s->context);
    s->n = n;
    return s;
}

Tensor Autoregressive::next(Sequential::State& state, const Tensor& came) const {
    const at::NoGradGuard no_grad;
    auto& s = dynamic_cast<AutoregressiveState&>(state);
    const std::int64_t longest = network_->longest(), k = came.size(1);
    if (longest == 0) return network_->next(*s.cache, came);
    Tensor logits;
    std::int64_t done = 0;
    do {
        if (s.held == longest - 1 && done < k) {  // the window is full: on to the next one
            const Tensor kept = at::cat(s.came, 1).slice(1, longest / 2);
            s.came = {at::cat({kept, came.slice(1, done, done + 1)}, 1)};
            s.held = longest / 2;
            s.cache = network_->start(s.n, s.context);
            logits = network_->next(*s.cache, s.came[0]);
            ++done;
        } else {
            const std::int64_t some = std::min(k - done, longest - 1 - s.held);
            s.came.push_back(came.slice(1, done, done + some));
            s.held += some;
            logits = network_->next(*s.cache, s.came.back());
            done += some;
        }
    } while (done < k);
    return logits;
}

}  // namespace

std::unique_ptr<Model> make_autoregressive(const DataSpec& spec, const SymbolSampling& sampling,
                                           std::unique_ptr<SymbolCode> code,
                                           const SequenceNetworkBuilder& build) {
    return std::make_unique<Autoregressive>(spec, sampling, std::move(code), build);
}

}  // namespace pushforward
