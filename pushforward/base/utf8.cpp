#include "pushforward/base/utf8.hpp"

#include <algorithm>

namespace pushforward {

CodePoint code_point_at(std::string_view text, std::size_t at) {
    const auto lead = static_cast<unsigned char>(text[at]);
    if (lead < 0x80) return {lead, 1};
    const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || length > text.size() - at) return {};
    char32_t code = lead & (0x7Fu >> length);
    for (std::size_t k = 1; k < length; ++k) {
        const auto next = static_cast<unsigned char>(text[at + k]);
        if ((next & 0xC0) != 0x80) return {};
        code = (code << 6) | (next & 0x3Fu);
    }
    // Overlong forms, surrogates, and what lies beyond Unicode.
    if ((length == 3 && code < 0x800) || (length == 4 && code < 0x10000) || code > 0x10FFFF ||
        (code >= 0xD800 && code <= 0xDFFF))
        return {};
    return {code, length};
}

void append_utf8(std::string& out, char32_t code) {
    const auto put = [&](char32_t byte) { out.push_back(static_cast<char>(byte)); };
    const auto follow = [&](int shift) { put(0x80 | ((code >> shift) & 0x3F)); };
    if (code < 0x80) {
        put(code);
    } else if (code < 0x800) {
        put(0xC0 | (code >> 6));
        follow(0);
    } else if (code < 0x10000) {
        put(0xE0 | (code >> 12));
        follow(6);
        follow(0);
    } else {
        put(0xF0 | (code >> 18));
        follow(12);
        follow(6);
        follow(0);
    }
}

std::size_t find_invalid_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t length = code_point_at(text, i).length;
        if (length == 0) return i;
        i += length;
    }
    return std::string_view::npos;
}

std::string TextOrigin::place(std::string_view text, std::size_t offset) const {
    const std::string_view before = text.substr(0, offset);
    return "line " + std::to_string(line + std::count(before.begin(), before.end(), '\n')) +
           ", byte " + std::to_string(byte + offset);
}

}  // namespace pushforward
