#include "pushforward/base/vocabulary.hpp"

#include "pushforward/base/checksum.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/vocabulary_json.hpp"

namespace pushforward {

std::vector<Symbol> Vocabulary::encoded(std::string_view text, const TextOrigin& origin) const {
    std::vector<Symbol> out;
    encode(text, out, origin);
    return out;
}

std::size_t Vocabulary::find_unknown(std::string_view) const {
    return std::string_view::npos;
}

std::string Vocabulary::decode(std::span<const Symbol> symbols) const {
    std::string out;
    for (const Symbol s : symbols) out += spelling(s);
    return out;
}

std::string Vocabulary::identity() const {
    return sha256(bytes_of(pushforward::to_json(to_json())));
}

void Vocabulary::check(Symbol symbol) const {
    PF_CHECK(symbol >= 0 && symbol < size(), "vocabulary", text("a symbol below ", size()), symbol);
}

// --- JSON ----------------------------------------------------------------------------------------

void JsonPlace::refuse(const std::string& key, const std::string& what) const {
    throw DataError(file, place.empty() ? key : place + "." + key, what);
}

const json::value& JsonPlace::at(const std::string& key) const {
    const auto* found = object.if_contains(key);
    if (!found) refuse(key, "is missing");
    return *found;
}

std::string JsonPlace::text(const std::string& key) const {
    const auto* found = at(key).if_string();
    if (!found) refuse(key, "expected text");
    return std::string(*found);
}

const json::array& JsonPlace::list(const std::string& key) const {
    const auto* found = at(key).if_array();
    if (!found) refuse(key, "expected a list");
    return *found;
}

json::object marks_json(const Marks& marks) {
    json::object out;
    if (marks.begin) out["begin"] = *marks.begin;
    if (marks.end) out["end"] = *marks.end;
    if (marks.unknown) out["unknown"] = *marks.unknown;
    return out;
}

Marks read_marks(const JsonPlace& from, std::int64_t first, std::int64_t size) {
    const auto* object = from.at("marks").if_object();
    if (!object) from.refuse("marks", "expected an object");
    Marks marks;
    for (const auto& [key, value] : *object) {
        auto* mark = key == "begin"     ? &marks.begin
                     : key == "end"     ? &marks.end
                     : key == "unknown" ? &marks.unknown
                                        : nullptr;
        const std::string name = "marks." + std::string(key);
        if (!mark) from.refuse(name, "expected begin, end or unknown");
        if (!value.is_int64() || value.get_int64() < first || value.get_int64() >= size)
            from.refuse(name, pushforward::text("expected a symbol from ", first, " to ", size - 1,
                                                ", got ", pushforward::to_json(value)));
        *mark = static_cast<Symbol>(value.get_int64());
    }
    return marks;
}

Marks place_marks(const WantedMarks& wanted, std::int64_t& first) {
    Marks marks;
    if (wanted.begin) marks.begin = static_cast<Symbol>(first++);
    if (wanted.end) marks.end = static_cast<Symbol>(first++);
    if (wanted.unknown) marks.unknown = static_cast<Symbol>(first++);
    return marks;
}

VocabularyPointer read_vocabulary(const json::value& value, const std::string& file,
                                  const std::string& place) {
    const auto* object = value.if_object();
    if (!object) throw DataError(file, place, "expected an object");
    const JsonPlace from{*object, file, place};
    const std::string kind = from.text("kind");
    if (kind == "bytes") return read_bytes(from);
    if (kind == "characters") return read_characters(from);
    if (kind == "bpe") return read_byte_pairs(from);
    if (kind == "sentencepiece") return read_sentencepiece_json(from);
    from.refuse("kind", "expected bytes, characters, bpe or sentencepiece, got " + kind);
}

}  // namespace pushforward
