#pragma once

#include "pushforward/base/vectorise.hpp"

#include <bit>
#include <cstdint>

namespace pushforward {

/// e^v for |v| <= 87, for loops that are to be vectorised: 2^k times Taylor's series on [-ln 2 / 2,
/// ln 2 / 2], relative error 2e-7, the same bits for every instruction set.
PF_INLINE float exponential_within(float v) {
    const float shifted = v * 1.44269504f + 12582912.0f;  // 1.5 2^23: rounds to whole numbers
    const float k = shifted - 12582912.0f;
    const float r = (v - k * 0.693359375f) + k * 2.12194440e-4f;  // ln 2 in two parts
    float e = 1.0f / 720;
    e = e * r + 1.0f / 120;
    e = e * r + 1.0f / 24;
    e = e * r + 1.0f / 6;
    e = e * r + 0.5f;
    e = e * r + 1.0f;
    e = e * r + 1.0f;
    const auto power = (std::bit_cast<std::int32_t>(shifted) - 0x4B400000 + 127) << 23;
    return e * std::bit_cast<float>(power);
}

}  // namespace pushforward
