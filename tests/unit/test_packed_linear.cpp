#include "pushforward/core/rng.hpp"
#include "pushforward/kernels/packed_linear.hpp"
#include "support.hpp"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/zeros.h>
#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

using namespace pushforward;
using testing::refusal;

namespace {

constexpr WeightType kWeightTypes[] = {WeightType::float32, WeightType::bfloat16, WeightType::int8};

/// float64 weights that are left of w [out, in].
Tensor kept_weights(const Tensor& w, WeightType type) {
    if (type == WeightType::float32) return w.to(at::kDouble);
    if (type == WeightType::bfloat16) return w.to(at::kBFloat16).to(at::kDouble);
    const Tensor scale = w.abs().amax(1, true) / 127;
    return (w / scale).round().to(at::kDouble) * scale.to(at::kDouble);
}

PackedLinear packed(const Tensor& w, const Tensor& b, WeightType type) {
    return PackedLinear(w.const_data_ptr<float>(),
                        b.defined() ? b.const_data_ptr<float>() : nullptr, w.size(1), w.size(0),
                        type);
}

/// Rows in one call; x and the result lie in wider matrices.
Tensor applied(const PackedLinear& layer, const Tensor& x) {
    const Tensor wide = at::zeros({x.size(0), x.size(1) + 3});
    wide.narrow(1, 0, x.size(1)).copy_(x);
    const Tensor y = at::zeros({x.size(0), layer.out() + 5}) - 7;
    layer(wide.const_data_ptr<float>(), wide.size(1), x.size(0), y.data_ptr<float>(), y.size(1));
    CHECK((y.narrow(1, layer.out(), 5) == -7).all().item<bool>());  // nothing is written beside
    return y.narrow(1, 0, layer.out()).contiguous();
}

bool same_bits(const Tensor& a, const Tensor& b) {
    return a.sizes() == b.sizes() &&
           std::memcmp(a.const_data_ptr<float>(), b.const_data_ptr<float>(), a.nbytes()) == 0;
}

/// What the header promises, one product and one sum after another.
Tensor products_in_order(const Tensor& w, const Tensor& b, const Tensor& x, WeightType type) {
    const std::int64_t rows = x.size(0), in = w.size(1), out = w.size(0);
    Tensor scale, weight = w;
    if (type == WeightType::bfloat16) weight = w.to(at::kBFloat16).to(at::kFloat);
    if (type == WeightType::int8) {
        scale = w.abs().amax(1) / 127;
        weight = (w / scale.unsqueeze(1)).round();
    }
    const Tensor y = at::zeros({rows, out});
    const float *wp = weight.const_data_ptr<float>(), *xp = x.const_data_ptr<float>();
    for (std::int64_t r = 0; r < rows; ++r)
        for (std::int64_t o = 0; o < out; ++o) {
            float sum = 0;
            for (std::int64_t k = 0; k < in; ++k) {
                const float product = xp[r * in + k] * wp[o * in + k];
                sum = sum + product;
            }
            if (scale.defined()) sum = scale.const_data_ptr<float>()[o] * sum;
            y.data_ptr<float>()[r * out + o] = sum + b.const_data_ptr<float>()[o];
        }
    return y;
}

}  // namespace

TEST_CASE("a packed linear layer is the linear layer of the weights that it keeps") {
    const Rng rng(3);
    for (const auto type : kWeightTypes)
        for (const std::int64_t in : {1, 5, 64, 301})
            for (const std::int64_t out : {1, 16, 63, 64, 65, 200})
                for (const std::int64_t rows : {1, 2, 3, 4, 9}) {
                    CAPTURE(static_cast<int>(type));
                    CAPTURE(in);
                    CAPTURE(out);
                    CAPTURE(rows);
                    const bool biased = out != 65;
                    const Tensor w = rng.split(0).normal({out, in}),
                                 x = rng.split(1).normal({rows, in});
                    const Tensor b = biased ? rng.split(2).normal({out}) : Tensor();
                    const Tensor shift = biased ? b : at::zeros({out});
                    const PackedLinear layer = packed(w, b, type);
                    CHECK(layer.in() == in);
                    CHECK(layer.out() == out);
                    const Tensor y = applied(layer, x);
                    const Tensor kept = kept_weights(w, type), point = x.to(at::kDouble);
                    const Tensor exact = at::linear(point, kept, shift.to(at::kDouble));
                    // the worst that rounding can do to a sum of so many terms (Higham 2002, 3.1)
                    const Tensor size =
                        at::linear(point.abs(), kept.abs(), shift.abs().to(at::kDouble));
                    const Tensor error = (y - exact).abs();
                    CHECK((error <= double(in + 3) * 0x1p-24 * size).all().item<bool>());
                    CHECK(same_bits(y, products_in_order(w, shift, x, type)));
                    // what is lost by keeping less: 2^-9 of a weight, half a step of its row's
                    // scale
                    const Tensor whole =
                        at::linear(point, w.to(at::kDouble), shift.to(at::kDouble));
                    const Tensor lost = type == WeightType::bfloat16 ? w.abs() * 0x1p-8
                                        : type == WeightType::int8
                                            ? (w.abs().amax(1, true) / 253).expand_as(w)
                                            : w.abs() * 0;
                    const Tensor most =
                        at::linear(point.abs(), lost.to(at::kDouble)) + error + 1e-12;
                    CHECK(((exact - whole).abs() <= most).all().item<bool>());
                }
}

TEST_CASE("a row's bits depend neither on the rows beside it nor on threads") {
    const Rng rng(4);
    const std::int64_t in = 700, out = 1500;  // more than one thread's least work in one row
    const Tensor w = rng.split(0).normal({out, in}), b = rng.split(1).normal({out});
    const Tensor x = rng.split(2).normal({9, in});
    const int before = at::get_num_threads();
    for (const auto type : kWeightTypes) {
        const PackedLinear layer = packed(w, b, type), copy = layer;
        at::set_num_threads(1);
        const Tensor all = applied(layer, x);
        for (const int threads : {1, 2}) {
            at::set_num_threads(threads);
            for (std::int64_t rows = 1; rows <= 9; ++rows) {
                CAPTURE(threads);
                CAPTURE(rows);
                CHECK(same_bits(applied(layer, x.narrow(0, 0, rows)), all.narrow(0, 0, rows)));
                CHECK(
                    same_bits(applied(copy, x.narrow(0, rows - 1, 1)), all.narrow(0, rows - 1, 1)));
            }
        }
        at::set_num_threads(before);
        CHECK(same_bits(all, products_in_order(w, b, x, type)));
    }
}

TEST_CASE("how weights are rounded, and how many bytes they are") {
    const auto kept = [](std::vector<float> w, WeightType type) {  // a row of w; y of unit vectors
        const auto n = static_cast<std::int64_t>(w.size());
        const PackedLinear layer(w.data(), nullptr, n, 1, type);
        std::vector<float> y(w.size());
        for (std::size_t k = 0; k < w.size(); ++k) {
            std::vector<float> x(w.size(), 0.0f);
            x[k] = 1;
            layer(x.data(), n, 1, &y[k], 1);
        }
        return y;
    };
    using Numbers = std::vector<float>;
    CHECK(kept({1 + 0x1p-8f, 1 + 0x3p-8f, 1 + 0x1.1p-8f, -1 - 0x1p-8f}, WeightType::bfloat16) ==
          Numbers{1, 1 + 0x4p-8f, 1 + 0x1p-7f, -1});
    CHECK(kept({127, 0.5f, 1.5f, -2.5f, -126.6f, 0}, WeightType::int8) ==
          Numbers{127, 0, 2, -2, -127, 0});
    CHECK(kept({0, 0}, WeightType::int8) == Numbers{0, 0});
    const auto nan = std::bit_cast<float>(0x7FFFFFFFu);  // one that rounding up would carry away
    CHECK(std::isnan(kept({nan}, WeightType::float32)[0]));
    CHECK(std::isnan(kept({nan}, WeightType::bfloat16)[0]));

    const std::vector<float> w(128 * 10);
    for (const auto& [type, bytes] :
         {std::pair(WeightType::float32, 4), {WeightType::bfloat16, 2}, {WeightType::int8, 1}})
        CHECK(PackedLinear(w.data(), nullptr, 10, 128, type).bytes() ==
              128 * 10 * bytes + (bytes == 1 ? 128 * 4 : 0));
}

TEST_CASE("what a packed linear layer refuses, and that one of nothing does nothing") {
    const float w[] = {1, INFINITY};
    CHECK(refusal([&] { PackedLinear(w, nullptr, 0, 1); }) ==
          "packed linear: expected in and out of at least 1, got 0 and 1");
    CHECK(refusal([&] { PackedLinear(w, nullptr, 2, 1, WeightType::int8); }) ==
          "packed linear: expected finite weights for int8, got inf");
    float y = 3;
    PackedLinear()(w, 1, 1, &y, 1);
    PackedLinear(w, nullptr, 1, 1)(w, 1, 0, &y, 1);
    CHECK(y == 3);
}
