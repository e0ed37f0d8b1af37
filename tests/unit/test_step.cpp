#include "pushforward/core/rng.hpp"
#include "pushforward/kernels/exponential.hpp"
#include "pushforward/kernels/step.hpp"
#include "support.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/lstm_cell.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/zeros.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <vector>

using namespace pushforward;
using testing::worst;

namespace {

// One number after another, in the order that the header promises: equality with these is equality
// of all instruction sets.
using Reals = std::vector<float>;

float sum_of_sixteen(std::size_t n, const std::function<float(std::size_t)>& term) {
    float part[16] = {};
    for (std::size_t i = 0; i < n; ++i) part[i % 16] = part[i % 16] + term(i);
    for (const std::size_t half : {8, 4, 2, 1})
        for (std::size_t j = 0; j < half; ++j) part[j] = part[j] + part[j + half];
    return part[0];
}
float plain_exponential(float v) {
    return exponential_within(std::clamp(v, -60.0f, 60.0f));
}
float plain_sigmoid(float v) {
    return 1 / (1 + plain_exponential(-v));
}
float plain_tanh(float v) {
    return 1 - 2 / (1 + plain_exponential(2 * v));
}
Reals plain_layer_norm(const Reals& x, const Reals& gain, const Reals& shift, float eps) {
    const auto n = static_cast<float>(x.size());
    const float mean = sum_of_sixteen(x.size(), [&](std::size_t i) { return x[i]; }) / n;
    const auto square = [&](std::size_t i) { return (x[i] - mean) * (x[i] - mean); };
    const float scale = 1 / std::sqrt(sum_of_sixteen(x.size(), square) / n + eps);
    Reals y(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
        const float z = (x[i] - mean) * scale * gain[i];
        y[i] = shift.empty() ? z : z + shift[i];
    }
    return y;
}
Reals plain_rms_norm(const Reals& x, const Reals& gain, float eps) {
    const auto square = [&](std::size_t i) { return x[i] * x[i]; };
    const float mean = sum_of_sixteen(x.size(), square) / static_cast<float>(x.size());
    const float scale = 1 / std::sqrt(mean + eps);
    Reals y(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) y[i] = x[i] * scale * gain[i];
    return y;
}
float plain_gelu(float v) {
    const float inner = v + 0.044715f * v * v * v;
    return v * plain_sigmoid(1.59576912f * inner);
}
Reals plain_attention(const Reals& q, const Reals& k, const Reals& v, std::size_t places,
                      std::size_t row) {
    const std::size_t d = q.size();
    const float scale = 1 / std::sqrt(static_cast<float>(d));
    Reals weight(places), y(d);
    for (std::size_t t = 0; t < places; ++t)
        weight[t] = scale * sum_of_sixteen(d, [&](std::size_t i) { return q[i] * k[t * row + i]; });
    const float most = *std::max_element(weight.begin(), weight.end());
    for (auto& w : weight) w = plain_exponential(w - most);
    const float sum = sum_of_sixteen(places, [&](std::size_t t) { return weight[t]; });
    for (std::size_t i = 0; i < d; ++i) {
        for (std::size_t t = 0; t < places; ++t) {
            const float product = weight[t] * v[t * row + i];
            y[i] = y[i] + product;
        }
        y[i] = y[i] / sum;
    }
    return y;
}

Reals reals(const Tensor& t) {
    const Tensor flat = t.to(at::kFloat).contiguous();
    return {flat.const_data_ptr<float>(), flat.const_data_ptr<float>() + flat.numel()};
}
Tensor tensor_of(const Reals& v) {
    const Tensor t = at::zeros({static_cast<std::int64_t>(v.size())});
    std::copy(v.begin(), v.end(), t.data_ptr<float>());
    return t.to(at::kDouble);
}
bool bits_equal(const Reals& a, const Reals& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

constexpr std::int64_t kLengths[] = {1, 2, 15, 16, 17, 31, 64, 100, 768};

/// Numbers of every size, and normal ones.
Reals numbers_to_map() {
    Reals x = reals(at::linspace(-12, 12, 4001));
    for (const float v : {0.0f, 1e-20f, 1e-4f, 40.0f, 70.0f, 100.0f, 1e4f, 1e30f}) {
        x.push_back(v);
        x.push_back(-v);
    }
    return x;
}

}  // namespace

TEST_CASE("norms of one place are ATen's in float64, and the same sums everywhere") {
    const Rng rng(3);
    for (const std::int64_t n : kLengths)
        for (const double eps : {1e-5, 0.5}) {
            CAPTURE(n);
            CAPTURE(eps);
            const Tensor x = 2 * rng.split(0).normal({n}) + 3;
            const Tensor gain = rng.split(1).normal({n}), shift = rng.split(2).normal({n});
            const Tensor exact = at::layer_norm(x.to(at::kDouble), {n}, gain.to(at::kDouble),
                                                shift.to(at::kDouble), eps);
            const Reals from = reals(x), g = reals(gain), s = reals(shift);
            const auto e = static_cast<float>(eps);
            Reals y(from.size()), in_place = from;
            layer_norm_step(from.data(), g.data(), s.data(), n, e, y.data());
            CHECK(worst(tensor_of(y), exact) < 2e-6);
            CHECK(bits_equal(y, plain_layer_norm(from, g, s, e)));
            layer_norm_step(in_place.data(), g.data(), s.data(), n, e, in_place.data());
            CHECK(bits_equal(y, in_place));
            layer_norm_step(from.data(), g.data(), nullptr, n, e, y.data());
            CHECK(worst(tensor_of(y), exact - shift) < 2e-6);
            CHECK(bits_equal(y, plain_layer_norm(from, g, {}, e)));

            const Tensor wide = x.to(at::kDouble);
            const Tensor rms = wide / (wide.square().mean() + eps).sqrt() * gain;
            rms_norm_step(from.data(), g.data(), n, e, y.data());
            CHECK(worst(tensor_of(y), rms) < 2e-6);
            CHECK(bits_equal(y, plain_rms_norm(from, g, e)));
            in_place = from;
            rms_norm_step(in_place.data(), g.data(), n, e, in_place.data());
            CHECK(bits_equal(y, in_place));
        }
}

TEST_CASE("gelu, silu and the gate are ATen's in float64, from the least numbers to the greatest") {
    const Reals x = numbers_to_map();
    const Tensor wide = tensor_of(x), size = wide.abs().clamp_min(1);
    const auto n = static_cast<std::int64_t>(x.size());
    Reals gelu = x, silu = x, gate(x.size());
    gelu_step(gelu.data(), n);
    CHECK(((tensor_of(gelu) - at::gelu(wide, "tanh")) / size).abs().max().item<double>() < 1e-6);
    silu_step(silu.data(), n);
    CHECK(((tensor_of(silu) - at::silu(wide)) / size).abs().max().item<double>() < 1e-6);
    Reals other(x.rbegin(), x.rend());
    gate_step(x.data(), other.data(), n, gate.data());
    CHECK(worst(tensor_of(gate), at::tanh(wide) * at::sigmoid(tensor_of(other))) < 1e-6);

    Reals expected[3] = {x, x, x};
    for (std::size_t i = 0; i < x.size(); ++i) {
        expected[0][i] = plain_gelu(x[i]);
        expected[1][i] = x[i] * plain_sigmoid(x[i]);
        expected[2][i] = plain_tanh(x[i]) * plain_sigmoid(other[i]);
    }
    CHECK(bits_equal(gelu, expected[0]));
    CHECK(bits_equal(silu, expected[1]));
    CHECK(bits_equal(gate, expected[2]));
    Reals in_place = x;
    gate_step(in_place.data(), other.data(), n, in_place.data());
    CHECK(bits_equal(in_place, gate));
    gate_step(x.data(), other.data(), n, other.data());
    CHECK(bits_equal(other, gate));
    for (const std::int64_t few : kLengths) {  // no number's bits depend on those beside it
        Reals y = x;
        gelu_step(y.data() + 7, few);
        for (std::int64_t i = 0; i < n; ++i) {
            const auto at = static_cast<std::size_t>(i);
            if (i >= 7 && i < 7 + few) y[at] = y[at] == gelu[at] ? x[at] : NAN;
        }
        CHECK(bits_equal(y, x));
    }
}

TEST_CASE("an LSTM's cell is ATen's in float64") {
    const Rng rng(5);
    for (const std::int64_t n : kLengths) {
        CAPTURE(n);
        const Tensor gates = 3 * rng.split(0).normal({4 * n}), cell = rng.split(1).normal({n});
        const auto wide = at::TensorOptions(at::kDouble);
        const auto [h_exact, c_exact] = at::lstm_cell(
            gates.to(at::kDouble).unsqueeze(0),
            std::vector<Tensor>{at::zeros({1, n}, wide), cell.to(at::kDouble).unsqueeze(0)},
            at::eye(4 * n, wide), at::zeros({4 * n, n}, wide));
        const Reals g = reals(gates), before = reals(cell);
        Reals c = before, h(before.size());
        lstm_step(g.data(), n, c.data(), h.data());
        CHECK(worst(tensor_of(c), c_exact[0]) < 1e-6);
        CHECK(worst(tensor_of(h), h_exact[0]) < 1e-6);
        Reals plain_c = before, plain_h = before;
        for (std::size_t i = 0, m = before.size(); i < m; ++i) {
            const float keep = plain_sigmoid(g[m + i]) * before[i];
            const float add = plain_sigmoid(g[i]) * plain_tanh(g[2 * m + i]);
            plain_c[i] = keep + add;
            plain_h[i] = plain_sigmoid(g[3 * m + i]) * plain_tanh(plain_c[i]);
        }
        CHECK(bits_equal(c, plain_c));
        CHECK(bits_equal(h, plain_h));
    }
}

TEST_CASE("attention of one place is softmax attention in float64") {
    const Rng rng(6);
    for (const std::int64_t d : {1, 8, 16, 24, 64})
        for (const std::int64_t places : {1, 2, 3, 4, 5, 16, 37, 200})
            for (const double sharpness : {1.0, 30.0}) {
                CAPTURE(d);
                CAPTURE(places);
                CAPTURE(sharpness);
                const std::int64_t row = 2 * d + 3;  // other heads between
                const Tensor q = sharpness * rng.split(0).normal({d});
                const Tensor k = rng.split(1).normal({places, row});
                const Tensor v = rng.split(2).normal({places, row});
                const Tensor keys = k.narrow(1, 0, d).to(at::kDouble);
                const Tensor score = keys.matmul(q.to(at::kDouble)) / std::sqrt(double(d));
                const Tensor exact =
                    at::softmax(score, 0).matmul(v.narrow(1, 0, d).to(at::kDouble));
                const Reals qs = reals(q), ks = reals(k), vs = reals(v);
                Reals work(static_cast<std::size_t>(places)), y(qs.size());
                attention_step(qs.data(), ks.data(), vs.data(), places, row, d, work.data(),
                               y.data());
                CHECK(worst(tensor_of(y), exact) < 1e-6 * sharpness);
                CHECK(bits_equal(y, plain_attention(qs, ks, vs, static_cast<std::size_t>(places),
                                                    static_cast<std::size_t>(row))));
            }
}
