#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pushforward/base/json.hpp"
#include "pushforward/base/utf8.hpp"

namespace pushforward {

using Symbol = std::int32_t;

/// Symbols that stand for no text: before and after a record, and for what has no symbol.
struct Marks {
    std::optional<Symbol> begin, end, unknown;
    bool operator==(const Marks&) const = default;
};

/// The marks that a new vocabulary shall have; their symbols follow all others in this order.
struct WantedMarks {
    bool begin = false, end = false, unknown = false;
};

/// Text as symbols 0 .. size() - 1 and back. Immutable; calls are thread-safe.
class Vocabulary {
public:
    virtual ~Vocabulary() = default;

    virtual std::string kind() const = 0;   ///< "bytes", "characters", "bpe" or "sentencepiece"
    virtual std::int64_t size() const = 0;  ///< with the marks
    const Marks& marks() const { return marks_; }

    /// Appends the text's symbols, without marks around them. Text never becomes a begin or end
    /// mark; what has no symbol becomes `marks().unknown` where there is one, else DataError names
    /// its file, line and byte.
    virtual void encode(std::string_view text, std::vector<Symbol>& out,
                        const TextOrigin& origin = {}) const = 0;
    std::vector<Symbol> encoded(std::string_view text, const TextOrigin& origin = {}) const;

    /// The first byte of what has no symbol, or npos.
    virtual std::size_t find_unknown(std::string_view text) const;

    /// The bytes that one symbol stands for in a stream; none for begin and end, U+FFFD for
    /// unknown. UsageError when there is no such symbol.
    virtual std::string_view spelling(Symbol symbol) const = 0;

    /// The text of the symbols: decode(encoded(text)) == text, byte for byte, where nothing was
    /// unknown (a SentencePiece model normalises text first).
    virtual std::string decode(std::span<const Symbol> symbols) const;

    /// What `read_vocabulary` makes the same vocabulary from.
    virtual json::object to_json() const = 0;

    /// SHA-256 of its JSON: equal for vocabularies that give equal symbols.
    std::string identity() const;

protected:
    void check(Symbol symbol) const;
    Marks marks_;
};

using VocabularyPointer = std::shared_ptr<const Vocabulary>;

/// The 256 bytes; symbol b is byte b.
VocabularyPointer byte_vocabulary(const WantedMarks& marks = {});

/// The characters (code points) that are seen in the texts, in ascending order. DataError names
/// the place of what is not UTF-8; UsageError when there are none.
VocabularyPointer character_vocabulary(std::span<const std::string_view> texts,
                                       const WantedMarks& marks = {},
                                       std::span<const TextOrigin> origins = {});

/// Reads `Vocabulary::to_json` back. `file` and `place` are what messages name; DataError says
/// which key is missing or wrong.
VocabularyPointer read_vocabulary(const json::value& value, const std::string& file,
                                  const std::string& place);

}  // namespace pushforward
