#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pushforward {

/// How text is cut into pieces across which no byte pair is merged. Both follow GPT-2's expression
/// (Radford et al. 2019)
///   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
/// `gpt2` with the letters, numbers and white space of Unicode (ICU's version of it; a byte that is
/// not UTF-8 is none of these), `ascii` without tables: a-z, A-Z and every byte from 0x80 on are
/// letters, 0-9 numbers, and a piece ends after 256 bytes.
enum class Split { ascii, gpt2 };

constexpr std::size_t max_ascii_piece = 256;

/// Where the piece that begins at `at` ends; at < text.size().
std::size_t piece_end(std::string_view text, std::size_t at, Split split);

/// Calls `f` with each piece in turn; together they are the text.
template <class F>
void for_each_piece(std::string_view text, Split split, const F& f) {
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = piece_end(text, at, split);
        f(text.substr(at, end - at));
        at = end;
    }
}

}  // namespace pushforward
