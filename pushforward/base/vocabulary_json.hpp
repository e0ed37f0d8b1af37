#pragma once

#include <string>

#include "pushforward/base/vocabulary.hpp"

namespace pushforward {

// What the kinds of vocabulary share when they are written and read. Used by base/ alone.

/// One object of a JSON file and the place that messages give it.
struct JsonPlace {
    const json::object& object;
    const std::string& file;
    const std::string& place;

    [[noreturn]] void refuse(const std::string& key, const std::string& what) const;
    const json::value& at(const std::string& key) const;
    std::string text(const std::string& key) const;
    const json::array& list(const std::string& key) const;
};

json::object marks_json(const Marks& marks);

/// The marks under the key "marks", each of them a symbol from `first` to `size` - 1.
Marks read_marks(const JsonPlace& from, std::int64_t first, std::int64_t size);

/// The wanted marks as the symbols from `first` on; `first` becomes their end.
Marks place_marks(const WantedMarks& wanted, std::int64_t& first);

VocabularyPointer read_bytes(const JsonPlace& from);
VocabularyPointer read_characters(const JsonPlace& from);
VocabularyPointer read_byte_pairs(const JsonPlace& from);
VocabularyPointer read_sentencepiece_json(const JsonPlace& from);

}  // namespace pushforward
