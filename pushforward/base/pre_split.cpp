#include "pushforward/base/pre_split.hpp"

#include <unicode/uchar.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "pushforward/base/utf8.hpp"

namespace pushforward {
namespace {

enum class Class : std::uint8_t { letter, number, space, other };

struct Step {
    Class kind;
    std::size_t length;
};

Class class_of(char c) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return Class::letter;
    if (c >= '0' && c <= '9') return Class::number;
    return c == ' ' || (c >= '\t' && c <= '\r') ? Class::space : Class::other;
}

constexpr bool is_ascii(char c) {
    return static_cast<unsigned char>(c) < 0x80;
}

Step ascii_step(std::string_view text, std::size_t at) {
    return {is_ascii(text[at]) ? class_of(text[at]) : Class::letter, 1};
}

Step unicode_step(std::string_view text, std::size_t at) {
    if (is_ascii(text[at])) return {class_of(text[at]), 1};
    const CodePoint point = code_point_at(text, at);
    if (point.length == 0) return {Class::other, 1};
    const auto code = static_cast<UChar32>(point.value);
    const std::uint32_t category = U_MASK(u_charType(code));
    const Class kind = category & U_GC_L_MASK   ? Class::letter
                       : category & U_GC_N_MASK ? Class::number
                       : u_isUWhiteSpace(code)  ? Class::space
                                                : Class::other;
    return {kind, point.length};
}

/// The length of 's 't 're 've 'm 'll 'd at the beginning of `text`, or 0.
std::size_t contraction(std::string_view text) {
    for (const std::string_view s : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"})
        if (text.starts_with(s)) return s.size();
    return 0;
}

template <class F>
std::size_t end_of(std::string_view text, std::size_t at, const F& step) {
    if (text[at] == '\'')
        if (const std::size_t length = contraction(text.substr(at))) return at + length;
    // " ?\p{L}+" and its like: a run of one class behind at most one blank.
    std::size_t end = at;
    if (text[at] == ' ' && at + 1 < text.size()) ++end;
    if (const Class kind = step(text, end).kind; kind != Class::space) {
        while (end < text.size()) {
            const Step s = step(text, end);
            if (s.kind != kind) break;
            end += s.length;
        }
        return end;
    }
    // White space: all of it at the end of the text, else all but its last character.
    std::size_t last = at;
    for (end = at; end < text.size();) {
        const Step s = step(text, end);
        if (s.kind != Class::space) return last > at ? last : end;
        last = end;
        end += s.length;
    }
    return end;
}

}  // namespace

std::size_t piece_end(std::string_view text, std::size_t at, Split split) {
    if (split == Split::gpt2) return end_of(text, at, unicode_step);
    // What lies beyond the longest piece and one more byte does not matter.
    return std::min(end_of(text.substr(0, at + max_ascii_piece + 1), at, ascii_step),
                    at + max_ascii_piece);
}

}  // namespace pushforward
