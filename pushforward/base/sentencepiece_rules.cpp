#include "pushforward/base/sentencepiece_rules.hpp"

#include <cstring>

namespace pushforward {
namespace {

constexpr std::size_t longest_text = 1024;  // that a rule gives; NFKC's has 33 bytes

}  // namespace

bool SentencePieceRules::read(std::string_view compiled) {
    trie_.clear();
    texts_.clear();
    if (compiled.empty()) return true;
    std::uint32_t size = 0;
    if (compiled.size() < sizeof size) return false;
    std::memcpy(&size, compiled.data(), sizeof size);
    compiled.remove_prefix(sizeof size);
    if (size > compiled.size() || size % 4 != 0 || size == 0) return false;
    trie_.resize(size / 4);
    std::memcpy(trie_.data(), compiled.data(), size);
    texts_ = compiled.substr(size);
    for (std::size_t at = 0; at < texts_.size();) {
        const std::size_t end = texts_.find('\0', at);
        if (end == std::string::npos || end - at > longest_text) return false;
        at = end + 1;
    }
    return true;
}

SentencePieceRules::Match SentencePieceRules::longest(std::string_view text) const {
    Match best;
    if (trie_.empty()) return best;
    // A unit holds a label (bits 0-7; bit 31 marks a leaf), "has a leaf" (bit 8) and the offset to
    // its children (bits 10-30, shifted by 8 when bit 9 is set); a leaf's other bits are its value.
    const auto offset = [](std::uint32_t unit) { return (unit >> 10) << ((unit & 0x200u) >> 6); };
    std::size_t node = offset(trie_[0]);
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        node ^= byte;
        if (node >= trie_.size()) break;
        const std::uint32_t unit = trie_[node];
        if ((unit & 0x800000FFu) != byte) break;
        node ^= offset(unit);
        if (!((unit >> 8) & 1u)) continue;
        if (node >= trie_.size()) break;
        const std::size_t begin = trie_[node] & 0x7FFFFFFFu;
        if (begin >= texts_.size()) break;
        best.length = i + 1;
        best.text = texts_.c_str() + begin;  // to its NUL
    }
    return best;
}

}  // namespace pushforward
