#pragma once

#include <cstdint>
#include <vector>

namespace pushforward {

/// What a weight is kept in: 4, 2 or 1 bytes a number; int8 with a float32 scale an output, the
/// largest weight's size over 127. Rounded to the nearest, ties to even.
enum class WeightType { float32, bfloat16, int8 };

/// y = W x + b for few rows at a time, W [out, in] laid out for that once: one symbol after another
/// is drawn at the speed at which the weights come from memory. Sums run over the inputs in their
/// order, each product rounded, then added; then the scale of int8, then the bias. The bits are the
/// same for every instruction set and number of threads, and for a row whatever rows are beside it.
class PackedLinear {
public:
    PackedLinear() = default;
    /// weight [out, in] contiguous, bias [out] or null: zero. Both are copied; int8: finite ones.
    PackedLinear(const float* weight, const float* bias, std::int64_t in, std::int64_t out,
                 WeightType type = WeightType::float32);
    std::int64_t in() const { return in_; }
    std::int64_t out() const { return out_; }
    /// The bytes that one call reads of the weights.
    std::int64_t bytes() const;
    /// y [rows, out] of x [rows, in]; rows begin x_row and y_row numbers after one another.
    void operator()(const float* x, std::int64_t x_row, std::int64_t rows, float* y,
                    std::int64_t y_row) const;

private:
    /// A line of the cache: no vector of weights lies in two.
    struct alignas(64) Line {
        std::uint32_t words[16];
    };
    std::int64_t in_ = 0, out_ = 0;
    WeightType type_ = WeightType::float32;
    std::vector<Line> weight_;
    std::vector<float> bias_, scale_;
};

}  // namespace pushforward
