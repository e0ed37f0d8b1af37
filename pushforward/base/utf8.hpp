#pragma once

#include <cstddef>
#include <string_view>

namespace pushforward {

/// Where the first byte is that does not belong to UTF-8 text (RFC 3629, 2003), or npos. A
/// character cut off by the end counts as invalid at its first byte.
std::size_t find_invalid_utf8(std::string_view text);

}  // namespace pushforward
