#include "pushforward/core/rng.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/base/philox.hpp"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <numeric>
#include <utility>

namespace pushforward {
namespace {

/// Fills [rows, width] in pieces of whole rows, or of one row where it is long; each piece is made
/// by some thread: make(first row, first element, elements, out, rows).
template <class T, class Make>
void fill_rows(T* out, std::int64_t rows, std::int64_t width, Make make) {
    // 2^14 values cost about 20 microseconds: below that a second thread does not pay.
    constexpr std::int64_t piece = 1 << 14;
    if (width == 0) return;
    const std::int64_t across = (width + piece - 1) / piece;             // pieces of a row
    const std::int64_t down = std::max<std::int64_t>(1, piece / width);  // rows of a piece
    const std::int64_t pieces = across * ((rows + down - 1) / down);
    at::parallel_for(0, pieces, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
            const std::int64_t row = i / across * down, first = i % across * piece;
            make(row, static_cast<std::size_t>(first),
                 static_cast<std::size_t>(std::min(piece, width - first)),
                 out + row * width + first, static_cast<std::size_t>(std::min(down, rows - row)));
        }
    });
}

std::pair<std::int64_t, std::int64_t> rows_and_width(at::IntArrayRef shape) {
    std::int64_t width = 1;
    for (std::size_t i = 1; i < shape.size(); ++i) width *= shape[i];
    return {shape.empty() ? 1 : shape[0], width};
}

}  // namespace

std::uint64_t Rng::mix(std::uint64_t x) {
    x += 0x9E3779B97F4A7C15ull;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
    return x ^ (x >> 31);
}

Rng Rng::split(std::uint64_t stream) const {
    Rng child(0);
    child.key_ = mix(key_ ^ mix(stream + 1));
    child.first_row_ = first_row_;
    return child;
}

Rng Rng::rows_from(std::int64_t first_row) const {
    Rng same = *this;
    same.first_row_ = first_row;
    same.draw_ = 0;
    return same;
}

#define PF_FILL(function)                                                                          \
    const auto [rows, width] = rows_and_width(shape);                                              \
    const std::uint32_t draw = draw_++;                                                            \
    Tensor out = at::empty(shape, at::TensorOptions().dtype(dtype));                               \
    auto run = [&](auto* data) {                                                                   \
        fill_rows(                                                                                 \
            data, rows, width,                                                                     \
            [&](std::int64_t row, std::size_t first, std::size_t n, auto* to, std::size_t count) { \
                const auto r = static_cast<std::uint64_t>(first_row_ + row);                       \
                function(PhiloxPlace{key_, r, draw}, first, n, to, count);                         \
            });                                                                                    \
    };                                                                                             \
    if (dtype == at::kDouble)                                                                      \
        run(out.data_ptr<double>());                                                               \
    else                                                                                           \
        run(out.data_ptr<float>());                                                                \
    return device.is_cpu() ? out : out.to(device)

Tensor Rng::normal(at::IntArrayRef shape, at::ScalarType dtype, at::Device device) {
    PF_FILL(philox_normal);
}

Tensor Rng::uniform(at::IntArrayRef shape, at::ScalarType dtype, at::Device device) {
    PF_FILL(philox_uniform);
}
#undef PF_FILL

Tensor Rng::integers(std::int64_t low, std::int64_t high, at::IntArrayRef shape,
                     at::Device device) {
    PF_CHECK(high > low, "Rng::integers", "high above low", text(low, ", ", high));
    const auto [rows, width] = rows_and_width(shape);
    const std::uint32_t draw = draw_++;
    Tensor out = at::empty(shape, at::kLong);
    const auto range = static_cast<std::uint64_t>(high - low);
    fill_rows(out.data_ptr<std::int64_t>(), rows, width,
              [&](std::int64_t row, std::size_t first, std::size_t n, std::int64_t* to,
                  std::size_t count) {
                  const PhiloxPlace place{key_, static_cast<std::uint64_t>(first_row_ + row), draw};
                  auto* bits = reinterpret_cast<std::uint64_t*>(to);
                  philox_bits(place, first, n, bits, count);
                  // the high word of a 64 x 64 bit product: biased by less than range / 2^64
                  for (std::size_t i = 0; i < n * count; ++i)
                      to[i] = low + static_cast<std::int64_t>(static_cast<std::uint64_t>(
                                        (static_cast<unsigned __int128>(bits[i]) * range) >> 64));
              });
    return device.is_cpu() ? out : out.to(device);
}

std::uint64_t Rng::bits() {
    std::uint64_t x;
    philox_bits({key_, static_cast<std::uint64_t>(first_row_), draw_++}, 0, 1, &x);
    return x;
}

double Rng::uniform_number() {
    double x;
    philox_uniform({key_, static_cast<std::uint64_t>(first_row_), draw_++}, 0, 1, &x);
    return x;
}

double Rng::normal_number() {
    double x;
    philox_normal({key_, static_cast<std::uint64_t>(first_row_), draw_++}, 0, 1, &x);
    return x;
}

std::vector<std::int64_t> Rng::permutation(std::int64_t n) {
    std::vector<std::int64_t> p(static_cast<std::size_t>(n));
    std::iota(p.begin(), p.end(), std::int64_t{0});
    std::vector<std::uint64_t> random(static_cast<std::size_t>(n));
    philox_bits({key_, static_cast<std::uint64_t>(first_row_), draw_++}, 0, random.size(),
                random.data());
    for (std::size_t i = p.size(); i > 1; --i) {  // Durstenfeld 1964
        const auto j =
            static_cast<std::size_t>((static_cast<unsigned __int128>(random[i - 1]) * i) >> 64);
        std::swap(p[i - 1], p[j]);
    }
    return p;
}

Tensor normal_like(const Tensor& x, Rng& rng) {
    return rng.normal(x.sizes(), x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat,
                      x.device());
}

}  // namespace pushforward
