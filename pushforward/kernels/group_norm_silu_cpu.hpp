#pragma once

#include <cstdint>

namespace pushforward {

/// One item [positions, channels], channels innermost.
struct GroupNormItem {
    std::int64_t positions, channels, groups;
    double eps;
    bool silu;
};

// Float32 or bfloat16 items (as its 16 bits); arithmetic in float32, long sums in float64. The
// bits are the same for every instruction set.

/// Writes y and the groups' mean and 1 / sqrt(var + eps).
void group_norm_silu_item(const GroupNormItem& shape, const float* x, const float* weight,
                          const float* bias, float* y, float* mean, float* scale);
void group_norm_silu_item(const GroupNormItem& shape, const std::uint16_t* x, const float* weight,
                          const float* bias, std::uint16_t* y, float* mean, float* scale);

/// Writes dx and this item's share of the gradients of weight and bias, [channels] each. `scratch`
/// has positions x channels numbers.
void group_norm_silu_item_backward(const GroupNormItem& shape, const float* x, const float* dy,
                                   const float* weight, const float* bias, const float* mean,
                                   const float* scale, float* dx, float* dweight, float* dbias,
                                   float* scratch);
void group_norm_silu_item_backward(const GroupNormItem& shape, const std::uint16_t* x,
                                   const std::uint16_t* dy, const float* weight, const float* bias,
                                   const float* mean, const float* scale, std::uint16_t* dx,
                                   float* dweight, float* dbias, float* scratch);

}  // namespace pushforward
