#pragma once

#include "pushforward/base/image.hpp"

namespace pushforward {

// The two codecs behind image.hpp. With `header_only` the pixels stay empty.
Image decode_png(const Blob& blob, bool header_only);
Image decode_jpeg(const Blob& blob, bool header_only);

inline constexpr std::int64_t max_image_side = 16384;

}  // namespace pushforward
