#include <algorithm>
#include <array>
#include <numeric>

#include "pushforward/base/errors.hpp"
#include "pushforward/base/vocabulary.hpp"
#include "pushforward/base/vocabulary_json.hpp"

namespace pushforward {
namespace {

constexpr char32_t code_points = 0x110000;
constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD

/// The marks that a JSON object lists must be the symbols that would be given to them.
Marks following_marks(const JsonPlace& from, std::int64_t& first) {
    const std::int64_t begin = first;
    const Marks marks = read_marks(from, begin, begin + 3);
    const Marks expected = place_marks(
        {marks.begin.has_value(), marks.end.has_value(), marks.unknown.has_value()}, first);
    if (marks != expected)
        from.refuse("marks", text("expected the symbols from ", begin, " on: begin, end, unknown"));
    return marks;
}

class ByteVocabulary : public Vocabulary {
public:
    ByteVocabulary(const Marks& marks, std::int64_t size) : size_(size) {
        marks_ = marks;
        std::iota(bytes_.begin(), bytes_.end(), '\0');
    }
    std::string kind() const override { return "bytes"; }
    std::int64_t size() const override { return size_; }
    void encode(std::string_view text, std::vector<Symbol>& out, const TextOrigin&) const override {
        out.reserve(out.size() + text.size());
        for (const char c : text) out.push_back(static_cast<unsigned char>(c));
    }
    std::string_view spelling(Symbol symbol) const override {
        check(symbol);
        if (symbol == marks_.unknown) return replacement;
        return symbol < 256 ? std::string_view(&bytes_[static_cast<std::size_t>(symbol)], 1)
                            : std::string_view();
    }
    json::object to_json() const override {
        return {{"kind", kind()}, {"marks", marks_json(marks_)}};
    }

private:
    std::int64_t size_;
    std::array<char, 256> bytes_;
};

class CharacterVocabulary : public Vocabulary {
public:
    /// `characters` ascend.
    CharacterVocabulary(std::vector<char32_t> characters, const Marks& marks, std::int64_t size)
        : characters_(std::move(characters)), size_(size) {
        marks_ = marks;
        ascii_.fill(-1);
        for (std::size_t i = 0; i < characters_.size(); ++i) {
            append_utf8(spellings_.emplace_back(), characters_[i]);
            if (characters_[i] < 128) ascii_[characters_[i]] = static_cast<Symbol>(i);
        }
    }
    std::string kind() const override { return "characters"; }
    std::int64_t size() const override { return size_; }

    void encode(std::string_view text, std::vector<Symbol>& out,
                const TextOrigin& origin) const override {
        out.reserve(out.size() + text.size());
        for (std::size_t at = 0; at < text.size();) {
            const CodePoint point = code_point_at(text, at);
            Symbol symbol = point.length == 0 ? -1 : find(point.value);
            if (symbol < 0) {
                if (!marks_.unknown) refuse(text, at, point, origin);
                symbol = *marks_.unknown;
            }
            out.push_back(symbol);
            at += std::max<std::size_t>(point.length, 1);
        }
    }
    std::size_t find_unknown(std::string_view text) const override {
        for (std::size_t at = 0; at < text.size();) {
            const CodePoint point = code_point_at(text, at);
            if (point.length == 0 || find(point.value) < 0) return at;
            at += point.length;
        }
        return std::string_view::npos;
    }
    std::string_view spelling(Symbol symbol) const override {
        check(symbol);
        if (symbol == marks_.unknown) return replacement;
        const auto i = static_cast<std::size_t>(symbol);
        return i < spellings_.size() ? std::string_view(spellings_[i]) : std::string_view();
    }
    json::object to_json() const override {
        std::string all;
        for (const auto& s : spellings_) all += s;
        return {{"kind", kind()}, {"characters", all}, {"marks", marks_json(marks_)}};
    }

private:
    Symbol find(char32_t code) const {
        if (code < 128) return ascii_[code];
        const auto found = std::lower_bound(characters_.begin(), characters_.end(), code);
        return found != characters_.end() && *found == code
                   ? static_cast<Symbol>(found - characters_.begin())
                   : -1;
    }
    [[noreturn]] void refuse(std::string_view text, std::size_t at, const CodePoint& point,
                             const TextOrigin& origin) const {
        std::ostringstream got;
        got << std::hex << std::uppercase;
        if (point.length == 0) {
            got << "the byte 0x" << static_cast<int>(static_cast<unsigned char>(text[at]))
                << ", which is not UTF-8";
        } else {
            got << "U+";
            got.width(4);
            got.fill('0');
            got << static_cast<std::uint32_t>(point.value);
            // Controls would spoil the terminal.
            if (point.value > 0x9F || (point.value > 0x20 && point.value < 0x7F))
                got << " (" << text.substr(at, point.length) << ")";
        }
        throw DataError(origin.file, origin.place(text, at),
                        pushforward::text("expected one of the vocabulary's ", characters_.size(),
                                          " characters, got ", got.str()));
    }

    std::vector<char32_t> characters_;
    std::vector<std::string> spellings_;
    std::array<Symbol, 128> ascii_;
    std::int64_t size_;
};

}  // namespace

VocabularyPointer byte_vocabulary(const WantedMarks& wanted) {
    std::int64_t size = 256;
    const Marks marks = place_marks(wanted, size);
    return std::make_shared<ByteVocabulary>(marks, size);
}

VocabularyPointer character_vocabulary(std::span<const std::string_view> texts,
                                       const WantedMarks& wanted,
                                       std::span<const TextOrigin> origins) {
    std::vector<bool> seen(code_points);
    for (std::size_t i = 0; i < texts.size(); ++i)
        for (std::size_t at = 0; at < texts[i].size();) {
            const CodePoint point = code_point_at(texts[i], at);
            if (point.length == 0) {
                const TextOrigin origin = i < origins.size() ? origins[i] : TextOrigin();
                throw DataError(origin.file, origin.place(texts[i], at), "expected UTF-8 text");
            }
            seen[point.value] = true;
            at += point.length;
        }
    std::vector<char32_t> characters;
    for (char32_t c = 0; c < code_points; ++c)
        if (seen[c]) characters.push_back(c);
    PF_CHECK(!characters.empty(), "a vocabulary of characters", "text to collect them from",
             "none");
    auto size = static_cast<std::int64_t>(characters.size());
    const Marks marks = place_marks(wanted, size);
    return std::make_shared<CharacterVocabulary>(std::move(characters), marks, size);
}

VocabularyPointer read_bytes(const JsonPlace& from) {
    std::int64_t size = 256;
    const Marks marks = following_marks(from, size);
    return std::make_shared<ByteVocabulary>(marks, size);
}

VocabularyPointer read_characters(const JsonPlace& from) {
    const std::string all = from.text("characters");
    std::vector<char32_t> characters;
    for (std::size_t at = 0; at < all.size();) {
        const CodePoint point = code_point_at(all, at);
        if (point.length == 0 || (!characters.empty() && point.value <= characters.back()))
            from.refuse("characters", text("expected ascending UTF-8 characters at byte ", at));
        characters.push_back(point.value);
        at += point.length;
    }
    if (characters.empty()) from.refuse("characters", "expected at least one");
    auto size = static_cast<std::int64_t>(characters.size());
    const Marks marks = following_marks(from, size);
    return std::make_shared<CharacterVocabulary>(std::move(characters), marks, size);
}

}  // namespace pushforward
