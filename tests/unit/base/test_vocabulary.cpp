#include "pushforward/base/vocabulary.hpp"

#include <random>

#include "pushforward/base/text_records.hpp"
#include "tests/unit/base/fixtures.hpp"

using namespace pushforward;

namespace {

VocabularyPointer characters_of(const std::string& text, const WantedMarks& marks = {}) {
    const std::string_view view = text;
    return character_vocabulary({&view, 1}, marks);
}

VocabularyPointer through_json(const Vocabulary& v) {
    return read_vocabulary(parse_json(to_json_indented(v.to_json()), "data.json"), "data.json",
                           "vocabulary");
}

}  // namespace

TEST_CASE("bytes are their own symbols") {
    const auto v = byte_vocabulary({true, true, false});
    std::mt19937 random(1);
    std::string text;
    for (int i = 0; i < 5000; ++i) text += static_cast<char>(random());
    const auto symbols = v->encoded(text);
    CHECK(symbols.size() == text.size());
    CHECK(symbols[7] == static_cast<unsigned char>(text[7]));
    CHECK(v->decode(symbols) == text);
    CHECK(v->size() == 258);
    CHECK(byte_vocabulary()->size() == 256);
    CHECK(v->marks().begin == 256);
    CHECK(v->marks().end == 257);
    CHECK(v->decode(std::vector<Symbol>{256, 'a', 257}) == "a");
    CHECK(through_json(*v)->marks() == v->marks());
    CHECK(through_json(*v)->identity() == v->identity());
    CHECK(v->identity() != byte_vocabulary()->identity());
    CHECK(message_of<UsageError>([&] { v->decode(std::vector<Symbol>{258}); }) ==
          "vocabulary: expected a symbol below 258, got 258");
}

TEST_CASE("characters are numbered by their code points") {
    const std::string text = "z\xc3\xa9 a\xf0\x9f\x98\x80\n\xe2\x82\xac";
    const auto v = characters_of(text + "zz");
    CHECK(v->size() == 7);
    CHECK(v->encoded(text) == std::vector<Symbol>{3, 4, 1, 2, 6, 0, 5});
    CHECK(v->decode(v->encoded(text)) == text);
    CHECK(v->spelling(6) == "\xf0\x9f\x98\x80");
    CHECK(through_json(*v)->identity() == v->identity());
    CHECK(through_json(*v)->encoded(text) == v->encoded(text));
    // A NUL is a character like others.
    const auto nul = characters_of(std::string("a\0b", 3));
    CHECK(nul->size() == 3);
    CHECK(through_json(*nul)->decode(std::vector<Symbol>{0, 1}) == std::string("\0a", 2));
}

TEST_CASE("unknown characters are refused with their place, or mapped") {
    const auto strict = characters_of("abc\n");
    CHECK_SAYS(strict->encoded("ab\n\nca\xc3\xa9"),
               "text: line 3, byte 6: expected one of the vocabulary's 4 characters, got U+00E9 "
               "(\xc3\xa9)");
    CHECK_SAYS(strict->encoded("a\xff", {"f.txt", 100, 7}),
               "f.txt: line 7, byte 101: expected one of the vocabulary's 4 characters, got the "
               "byte 0xFF, which is not UTF-8");
    CHECK_SAYS(strict->encoded("\x1b"), "got U+001B");
    CHECK_FALSE(contains(message_of([&] { strict->encoded("\x1b"); }), "\x1b"));
    CHECK(strict->find_unknown("abd") == 2);
    CHECK(strict->find_unknown("ab\xc3") == 2);
    CHECK(strict->find_unknown("ab") == std::string::npos);

    const auto mapped = characters_of("abc\n", {true, true, true});
    CHECK(mapped->size() == 7);
    CHECK(mapped->encoded("a\xc3\xa9\xff"
                          "b") == std::vector<Symbol>{1, 6, 6, 2});
    CHECK(mapped->decode(mapped->encoded("a\xc3\xa9")) == "a\xef\xbf\xbd");
    CHECK(mapped->decode(std::vector<Symbol>{4, 1, 5}) == "a");
    CHECK(mapped->find_unknown("a\xc3\xa9") == 1);
    CHECK(through_json(*mapped)->marks() == mapped->marks());
}

TEST_CASE("what is no text has no characters") {
    const std::string_view texts[] = {"ok\n", "a\nb\xe9t"};
    const TextOrigin origins[] = {{"a.txt", 0, 1}, {"b.txt", 10, 5}};
    CHECK_SAYS(character_vocabulary(texts, {}, origins),
               "b.txt: line 6, byte 13: expected UTF-8 text");
    CHECK(contains(message_of<UsageError>([] { characters_of(""); }), "text to collect them from"));
}

TEST_CASE("malformed vocabularies of characters are refused") {
    const auto read = [](const std::string& text) {
        read_vocabulary(parse_json(text, "data.json"), "data.json", "vocabulary");
    };
    CHECK_SAYS(read(R"([])"), "data.json: vocabulary: expected an object");
    CHECK_SAYS(read(R"({})"), "vocabulary.kind: is missing");
    CHECK_SAYS(read(R"({"kind":"characters","characters":"ba","marks":{}})"),
               "vocabulary.characters: expected ascending UTF-8 characters at byte 1");
    CHECK_SAYS(read(R"({"kind":"characters","characters":"aa","marks":{}})"), "at byte 1");
    CHECK_SAYS(read(R"({"kind":"characters","characters":"","marks":{}})"),
               "expected at least one");
    CHECK_SAYS(read(R"({"kind":"characters","characters":"ab","marks":{"end":3}})"),
               "expected the symbols from 2 on");
    CHECK_SAYS(read(R"({"kind":"bytes","marks":{"end":255}})"), "from 256 to 258, got 255");
    CHECK_SAYS(read(R"({"kind":"bytes","marks":{"end":2.5}})"), "got 2.5");
    CHECK_SAYS(read(R"({"kind":"bytes","marks":1})"), "marks: expected an object");
}

TEST_CASE("the real play has 65 characters") {
    const std::filesystem::path file =
        std::filesystem::path(PF_SOURCE_DIR) / "../shared/data/tinyshakespeare/input.txt";
    if (!std::filesystem::exists(file)) {
        MESSAGE("skipped: ../shared/data is not here");
        return;
    }
    const TextRecords play = read_text(file, TextCheck::utf8);
    const auto v = character_vocabulary(play);
    CHECK(v->size() == 65);
    const SymbolStream stream = encode_records(*v, play);
    CHECK(stream.symbols.size() == 1'115'394);
    CHECK(v->decode(stream.symbols) == play.records[0].text);
    // "First Citizen" in the numbering that nanoGPT prints for this file.
    CHECK(v->encoded("\n !zF") == std::vector<Symbol>{0, 1, 2, 64, 18});
}
