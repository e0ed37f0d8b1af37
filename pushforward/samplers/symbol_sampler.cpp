#include "pushforward/samplers/symbol_sampler.hpp"

#include "pushforward/base/errors.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace pushforward {
namespace {

using Numbers = std::vector<double>;

void penalise(Numbers& logits, double penalty, const std::int64_t* seen, std::int64_t n) {
    std::vector<bool> done(logits.size());
    for (std::int64_t i = 0; i < n; ++i) {
        if (seen[i] < 0 || done[static_cast<std::size_t>(seen[i])]) continue;
        done[static_cast<std::size_t>(seen[i])] = true;
        double& l = logits[static_cast<std::size_t>(seen[i])];
        l = l > 0 ? l / penalty : l * penalty;
    }
}

/// p of the symbols up to a factor, 0 where it is cut off.
void cut(Numbers& p, const SymbolSampling& how) {
    if (how.top_k == 0 && how.top_p >= 1 && how.min_p == 0) return;
    std::vector<std::size_t> order(p.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return p[a] > p[b]; });
    std::size_t kept = order.size();
    if (how.top_k > 0) kept = std::min(kept, static_cast<std::size_t>(how.top_k));
    if (how.top_p < 1) {
        double all = 0, sum = 0;
        for (std::size_t i = 0; i < kept; ++i) all += p[order[i]];
        std::size_t few = 0;
        while (few < kept && sum < how.top_p * all) sum += p[order[few++]];
        kept = few;
    }
    const double least = how.min_p * p[order[0]];
    while (kept > 1 && p[order[kept - 1]] < least) --kept;
    for (std::size_t i = kept; i < order.size(); ++i) p[order[i]] = 0;
}

std::int64_t draw(Numbers& logits, const SymbolSampling& how, double u) {
    const auto largest = std::max_element(logits.begin(), logits.end());
    if (how.temperature == 0) return largest - logits.begin();
    const double top = *largest;
    for (double& l : logits) l = std::exp((l - top) / how.temperature);
    cut(logits, how);
    double left = u * std::accumulate(logits.begin(), logits.end(), 0.0);
    std::int64_t last = 0;
    for (std::size_t i = 0; i < logits.size(); ++i) {
        if (logits[i] == 0) continue;
        last = static_cast<std::int64_t>(i);
        if ((left -= logits[i]) < 0) break;
    }
    return last;
}

double log_probability(const float* logits, std::int64_t k, std::int64_t symbol) {
    const double top = *std::max_element(logits, logits + k);
    double sum = 0;
    for (std::int64_t i = 0; i < k; ++i) sum += std::exp(logits[i] - top);
    return logits[symbol] - top - std::log(sum);
}

}  // namespace

bool SymbolSampling::plain() const {
    return temperature == 1 && top_k == 0 && top_p == 1 && min_p == 0 && repetition_penalty == 1;
}

Tensor draw_symbols(const Tensor& logits, const SymbolSampling& how, const Tensor& u,
                    const Tensor& seen) {
    const std::int64_t n = logits.size(0), k = logits.size(1), t = seen.size(1);
    const Tensor l = logits.to(at::kCPU, at::kDouble).contiguous(), came = seen.contiguous(),
                 uniform = u.contiguous();
    const auto* at = l.const_data_ptr<double>();
    Tensor drawn = at::empty({n}, at::kLong);
    for (std::int64_t r = 0; r < n; ++r) {
        Numbers row(at + r * k, at + (r + 1) * k);
        if (how.repetition_penalty != 1)
            penalise(row, how.repetition_penalty, came.const_data_ptr<std::int64_t>() + r * t, t);
        drawn.data_ptr<std::int64_t>()[r] = draw(row, how, uniform.const_data_ptr<double>()[r]);
    }
    return drawn;
}

Samples sample_symbols(const Sequential& model, const SampleRequest& request,
                       const SymbolSampling& how, std::int64_t length, std::int64_t end, Rng rng) {
    const at::NoGradGuard no_grad;
    const std::int64_t n = request.n, k = model.symbols();
    Tensor prompt = at::empty({n, 0}, at::kLong);
    if (request.prompt.symbols.defined()) {
        PF_CHECK(request.prompt.symbols.numel() == 0 ||
                     (request.prompt.symbols.min().item<std::int64_t>() >= 0 &&
                      request.prompt.symbols.max().item<std::int64_t>() < k),
                 "the prompt", text("symbols from 0 to ", k - 1), "others");
        prompt = request.prompt.symbols.to(at::kCPU).reshape({1, -1}).expand({n, -1}).contiguous();
    }
    const std::int64_t begun = prompt.size(1);
    PF_CHECK(length == 0 || begun <= length, "the prompt", text("at most ", length, " symbols"),
             begun);
    const std::int64_t most = length > 0                  ? length - begun
                              : request.prompt.length > 0 ? request.prompt.length
                                                          : how.length;
    Tensor drawn = at::full({n, begun + most}, -1, at::kLong);
    drawn.slice(1, 0, begun).copy_(prompt);
    auto* const to = drawn.data_ptr<std::int64_t>();
    Tensor log_prob = at::zeros({n}, at::kDouble);
    std::vector<bool> ended(static_cast<std::size_t>(n));
    std::int64_t steps = 0, active = n;
    if (request.prompt.hear) request.prompt.hear({});
    if (most > 0) {
        const auto state = model.start(request.c, n);
        Tensor came = prompt;
        for (; steps < most && active > 0; ++steps) {
            const Tensor logits = model.next(*state, came).to(at::kCPU, at::kFloat).contiguous();
            Rng step = rng.split(static_cast<std::uint64_t>(steps)).rows_from(request.first);
            const Tensor u = step.uniform({n}, at::kDouble);
            const std::int64_t place = begun + steps;
            came = draw_symbols(logits, how, u, drawn.slice(1, 0, place)).unsqueeze(1);
            Tensor heard = at::full({n}, -1, at::kLong);
            for (std::int64_t r = 0; r < n; ++r) {
                if (ended[static_cast<std::size_t>(r)]) continue;
                const std::int64_t s = came.data_ptr<std::int64_t>()[r];
                to[r * drawn.size(1) + place] = s;
                heard.data_ptr<std::int64_t>()[r] = s;
                log_prob.data_ptr<double>()[r] +=
                    log_probability(logits.const_data_ptr<float>() + r * k, k, s);
                if (length == 0 && s == end) {
                    ended[static_cast<std::size_t>(r)] = true;
                    --active;
                }
            }
            if (!request.prompt.hear) continue;
            const Tensor stop = request.prompt.hear(heard);
            for (std::int64_t r = 0; stop.defined() && r < n; ++r)
                if (stop[r].item<bool>() && !ended[static_cast<std::size_t>(r)]) {
                    ended[static_cast<std::size_t>(r)] = true;
                    --active;
                }
        }
    }
    if (length == 0) drawn = drawn.slice(1, 0, begun + steps).contiguous();
    return {drawn, log_prob, steps};
}

void SymbolSampling::visit(Fields& f) {
    f.number("temperature", temperature,
             {.doc = "divides logits: below 1 likelier symbols, 0 the likeliest", .low = 0});
    f.integer("top_k", top_k, {.doc = "only so many of the likeliest symbols; 0: all", .low = 0});
    f.number("top_p", top_p,
             {.doc = "the fewest likeliest symbols with this probability together",
              .low = 0,
              .high = 1,
              .open_low = true});
    f.number("min_p", min_p,
             {.doc = "only symbols this share as likely as the likeliest", .low = 0, .high = 1});
    f.number("repetition_penalty", repetition_penalty,
             {.doc = "makes symbols that came less likely, above 1", .low = 0, .open_low = true});
    f.integer(
        "length", length,
        {.doc = "symbols drawn at most, for items of varying length", .unit = "symbols", .low = 1});
}

}  // namespace pushforward
