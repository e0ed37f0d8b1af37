#pragma once

#include <cstdint>
#include <span>

namespace pushforward {

/// Integer frequencies of softmax(logits) over K symbols, each at least 1, together `total`:
/// f_i = 1 + floor((total - K) w_i / sum_j w_j), w_i = 2^g_i, g_i = logits_i / ln 2 to the nearest
/// 1/32 (which costs 3e-5 bits a symbol); the first of the largest takes what is left over. Beyond
/// one product that is exact in double all is integer: equal logits give equal frequencies on
/// every IEEE machine, whatever is vectorised or contracted. Logits that differ mostly do too, but
/// a last bit may cross a rounding: who decodes must have the same logits, bit for bit. -inf is
/// allowed. NumericalError unless the largest is within 2^20; K <= 2^22, K <= total <= 2^31.
void integer_frequencies(std::span<const float> logits, std::uint32_t total,
                         std::span<std::uint32_t> out);

}  // namespace pushforward
