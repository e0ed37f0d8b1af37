#include "pushforward/nn/gpt_steps.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/kernels/step.hpp"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>

namespace pushforward {
namespace {

constexpr float kNormEps = 1e-5F;

float* sized(std::vector<float>& v, std::int64_t size) {
    if (v.size() < static_cast<std::size_t>(size)) v.resize(static_cast<std::size_t>(size));
    return v.data();
}

void add(const float* what, std::int64_t n, float* to) {
    for (std::int64_t i = 0; i < n; ++i) to[i] += what[i];
}

}  // namespace

void StepNorm::operator()(const float* x, float* y) const {
    const auto n = static_cast<std::int64_t>(gain.size());
    if (rms)
        rms_norm_step(x, gain.data(), n, kNormEps, y);
    else
        layer_norm_step(x, gain.data(), shift.empty() ? nullptr : shift.data(), n, kNormEps, y);
}

/// The places that are new: `count` of each row, the first of which has number `first`.
struct GptSteps::Places {
    std::int64_t first, count, rows;  // rows: of all, n count
};

GptSteps::GptSteps(std::shared_ptr<const GptWeights> weights, std::int64_t n, const Tensor& context)
    : weights_(std::move(weights)), n_(n) {
    const auto& s = weights_->shape;
    const auto size = static_cast<std::size_t>(n * s.context * s.key_heads * s.head);
    k_.assign(weights_->layers.size(), std::vector<float>(size));
    v_ = k_;
    if (!context.defined()) return;
    const Tensor c = context.to(at::kCPU, at::kFloat).contiguous();
    condition_.resize(static_cast<std::size_t>(n * s.width));
    weights_->conditioned(c.const_data_ptr<float>(), c.size(1), n, condition_.data(), s.width);
}

// The new places of all rows go through the layers together: that after the last symbol of each
// row, and where several came those between. The first call has the place before all symbols, too.
Tensor GptSteps::next(const Tensor& came) {
    const GptWeights& w = *weights_;
    const auto& s = w.shape;
    const Tensor symbols = came.to(at::kCPU).contiguous();
    const std::int64_t k = symbols.size(1), count = k + (seen_ == 0 ? 1 : 0);
    PF_CHECK(count > 0, "gpt", "a symbol that came", "none");
    PF_CHECK(seen_ + count <= s.context, "gpt", text("at most ", s.context, " places"),
             seen_ + count);
    const Places p{seen_, count, n_ * count};
    embed(p, symbols.const_data_ptr<std::int64_t>(), k);
    for (std::size_t layer = 0; layer < w.layers.size(); ++layer) {
        attend(p, layer);
        feed_forward(p, w.layers[layer]);
    }
    seen_ += count;
    const Tensor logits = at::empty({n_, s.symbols});
    for (std::int64_t r = 0; r < n_; ++r)
        w.norm(x_.data() + (r * count + count - 1) * s.width, y_.data() + r * s.width);
    w.head(y_.data(), s.width, n_, logits.data_ptr<float>(), s.symbols);
    return logits;
}

void GptSteps::embed(const Places& p, const std::int64_t* symbol, std::int64_t k) {
    const GptWeights& w = *weights_;
    const std::int64_t width = w.shape.width, begun = p.count - k;
    float* to = sized(x_, p.rows * width);
    for (std::int64_t r = 0; r < n_; ++r)
        for (std::int64_t t = 0; t < p.count; ++t, to += width) {
            const std::int64_t before =
                t < begun ? w.shape.symbols : std::max<std::int64_t>(symbol[r * k + t - begun], 0);
            std::copy_n(w.table.data() + before * width, width, to);
            if (!w.places.empty()) add(w.places.data() + (p.first + t) * width, width, to);
            if (!condition_.empty()) add(condition_.data() + r * width, width, to);
        }
}

/// Entries i and i + d / 2 of each head are turned together by the place's angle (Su et al. 2021).
void GptSteps::turn(float* heads, std::int64_t count, std::int64_t place) const {
    const std::int64_t half = weights_->shape.head / 2;
    const float* const c = weights_->cosine.data() + place * half;
    const float* const s = weights_->sine.data() + place * half;
    for (std::int64_t a = 0; a < count; ++a, heads += 2 * half)
        for (std::int64_t i = 0; i < half; ++i) {
            const float p = heads[i], q = heads[i + half];
            heads[i] = p * c[i] - q * s[i];
            heads[i + half] = q * c[i] + p * s[i];
        }
}

void GptSteps::attend(const Places& p, std::size_t number) {
    const auto& s = weights_->shape;
    const auto& layer = weights_->layers[number];
    const std::int64_t width = s.width, keys = s.key_heads * s.head, each = width + 2 * keys;
    float* const x = x_.data();
    float* const y = sized(y_, p.rows * width);
    float* const qkv = sized(qkv_, p.rows * each);
    for (std::int64_t i = 0; i < p.rows; ++i) layer.norm_1(x + i * width, y + i * width);
    layer.qkv(y, width, p.rows, qkv, each);
    for (std::int64_t r = 0; r < n_; ++r)
        for (std::int64_t t = 0; t < p.count; ++t) {
            float* const here = qkv + (r * p.count + t) * each;
            if (s.rotary) turn(here, s.heads + s.key_heads, p.first + t);
            const auto at = (r * s.context + p.first + t) * keys;
            std::copy_n(here + width, keys, k_[number].data() + at);
            std::copy_n(here + width + keys, keys, v_[number].data() + at);
        }
    const std::int64_t tasks = n_ * s.heads;
    float* const work = sized(work_, tasks * s.context);
    constexpr std::int64_t share = 1 << 17;  // a thread's least work
    at::parallel_for(
        0, tasks, 1 + share / (s.head * p.count * (p.first + 1)),
        [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t task = begin; task < end; ++task) {
                const std::int64_t r = task / s.heads, a = task % s.heads;
                const std::int64_t from = a * s.key_heads / s.heads * s.head + r * s.context * keys;
                for (std::int64_t t = 0; t < p.count; ++t)
                    attention_step(qkv + (r * p.count + t) * each + a * s.head,
                                   k_[number].data() + from, v_[number].data() + from,
                                   p.first + t + 1, keys, s.head, work + task * s.context,
                                   y + (r * p.count + t) * width + a * s.head);
            }
        });
    layer.out(y, width, p.rows, qkv, width);
    add(qkv, p.rows * width, x);
}

void GptSteps::feed_forward(const Places& p, const GptWeights::Layer& layer) {
    const std::int64_t width = weights_->shape.width, hidden = weights_->shape.hidden;
    float* const x = x_.data();
    float* const y = y_.data();
    float* const h = sized(h_, p.rows * hidden);
    for (std::int64_t i = 0; i < p.rows; ++i) layer.norm_2(x + i * width, y + i * width);
    layer.up(y, width, p.rows, h, hidden);
    if (layer.gate.out() > 0) {
        float* const gate = sized(gate_, p.rows * hidden);
        layer.gate(y, width, p.rows, gate, hidden);
        silu_step(gate, p.rows * hidden);
        for (std::int64_t i = 0; i < p.rows * hidden; ++i) h[i] *= gate[i];
    } else {
        gelu_step(h, p.rows * hidden);
    }
    layer.down(h, hidden, p.rows, y, width);
    add(y, p.rows * width, x);
}

}  // namespace pushforward
