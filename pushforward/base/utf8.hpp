#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace pushforward {

/// One character of UTF-8 text: its code point and its bytes, 0 of them where none begins.
struct CodePoint {
    char32_t value = 0;
    std::size_t length = 0;
};

/// The character at `at`, which lies in the text (RFC 3629, 2003: no overlong forms, no
/// surrogates).
CodePoint code_point_at(std::string_view text, std::size_t at);

/// Appends the code point's UTF-8.
void append_utf8(std::string& out, char32_t code);

/// Where the first byte is that does not belong to UTF-8 text, or npos. A character cut off by the
/// end counts as invalid at its first byte.
std::size_t find_invalid_utf8(std::string_view text);

/// Where a text begins, for messages: the file, its byte there (from 0) and its line (from 1).
struct TextOrigin {
    std::string file = "text";
    std::size_t byte = 0;
    std::int64_t line = 1;

    /// "line 3, byte 17": the place of `text[offset]` in the file.
    std::string place(std::string_view text, std::size_t offset) const;
};

}  // namespace pushforward
