// Vocabularies of other programs: the fixtures and what those programs make of them come from
// tools/make_vocabulary_fixtures.py.

#include <cmath>
#include <cstdlib>
#include <cstring>

#include "pushforward/base/byte_pairs.hpp"
#include "pushforward/base/sentencepiece.hpp"
#include "pushforward/base/sentencepiece_rules.hpp"
#include "tests/unit/base/fixtures.hpp"

using namespace pushforward;

namespace {

/// PF_VOCABULARIES names another folder that the script has made (with --full, say).
std::filesystem::path folder() {
    const char* wanted = std::getenv("PF_VOCABULARIES");
    return wanted ? wanted : PF_SOURCE_DIR "/tests/reference/data/vocabularies";
}

std::string as_text(const json::value& value) {
    return std::string(value.as_string());
}

std::vector<Symbol> as_symbols(const json::value& value) {
    std::vector<Symbol> out;
    for (const auto& s : value.as_array()) out.push_back(static_cast<Symbol>(s.as_int64()));
    return out;
}

VocabularyPointer gpt2() {
    return read_gpt2_vocabulary(read_file(folder() / "gpt2-vocab.json"),
                                read_file(folder() / "gpt2-merges.txt"));
}

VocabularyPointer through_json(const Vocabulary& v) {
    return read_vocabulary(parse_json(to_json(v.to_json()), "data.json"), "data.json",
                           "vocabulary");
}

// A model in the wire format: field numbers of sentencepiece_model.proto.
std::string field(int number, const std::string& bytes) {
    return std::string{static_cast<char>(number << 3 | 2)} + static_cast<char>(bytes.size()) +
           bytes;
}
std::string number(int field, int value) {
    return std::string{static_cast<char>(field << 3), static_cast<char>(value)};
}
std::string piece(const std::string& text, float score, int type = 1) {
    std::uint32_t bits;
    std::memcpy(&bits, &score, 4);
    return field(1, field(1, text) + "\x15" + low_first(bits, 4) + number(3, type));
}
const std::string blank = "\xE2\x96\x81";
const std::string unknown = piece("<unk>", 0, 2);

}  // namespace

TEST_CASE("GPT-2's vocabulary gives the symbols that Hugging Face's tokenizers give") {
    const json::value truth =
        parse_json(read_file(folder() / "encodings.json").text(), "encodings");
    const auto& texts = truth.at("texts").as_array();
    const auto& symbols = truth.at("models").at("gpt2").at("symbols").as_array();
    const auto v = gpt2();
    CHECK(v->marks().end == 0);
    CHECK(v->spelling(0).empty());
    REQUIRE(texts.size() == symbols.size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
        const std::string text = as_text(texts[i]);
        CHECK_MESSAGE(v->encoded(text) == as_symbols(symbols[i]), i, ": ", text);
        CHECK(v->decode(as_symbols(symbols[i])) == text);
    }
    CHECK(through_json(*v)->identity() == v->identity());
    CHECK(through_json(*v)->encoded("the quick") == v->encoded("the quick"));
}

TEST_CASE("SentencePiece models give the symbols and texts that sentencepiece gives") {
    const json::value truth =
        parse_json(read_file(folder() / "encodings.json").text(), "encodings");
    const auto& texts = truth.at("texts").as_array();
    for (const char* name : {"unigram", "bpe", "plain"}) {
        CAPTURE(std::string(name));
        const auto& model = truth.at("models").at(name);
        const auto v = read_sentencepiece(read_file(folder() / (std::string(name) + ".model")));
        CHECK(v->kind() == "sentencepiece");
        CHECK(v->size() == model.at("size").as_int64());
        CHECK(v->marks().begin.value_or(-1) == model.at("begin").as_int64());
        CHECK(v->marks().end.value_or(-1) == model.at("end").as_int64());
        CHECK(v->marks().unknown.value_or(-1) == model.at("unknown").as_int64());
        const auto& symbols = model.at("symbols").as_array();
        const auto& decoded = model.at("decoded").as_array();
        REQUIRE(texts.size() == symbols.size());
        for (std::size_t i = 0; i < texts.size(); ++i) {
            const std::string text = as_text(texts[i]);
            CHECK_MESSAGE(v->encoded(text) == as_symbols(symbols[i]), i, ": ", text);
            CHECK_MESSAGE(v->decode(as_symbols(symbols[i])) == as_text(decoded[i]), i, ": ", text);
        }
        CHECK(through_json(*v)->identity() == v->identity());
        CHECK(through_json(*v)->encoded("the quick") == v->encoded("the quick"));
    }
}

TEST_CASE("unigram takes the most probable segmentation, bpe the best join") {
    const auto read = [](const std::string& model) {
        return read_sentencepiece(blob_of("m", model));
    };
    const std::string pieces = unknown + piece("a", -2) + piece("b", -2) + piece("c", -2) +
                               piece("ab", -3) + piece("bc", -2.5f) + piece("abc", -9);
    const std::string plain = field(3, number(3, 0));  // nothing in front
    // -2 - 2.5 beats -3 - 2, and -9 (a, b, c: 1, 2, 3; ab: 4; bc: 5).
    CHECK(read(pieces + plain)->encoded("abc") == std::vector<Symbol>{1, 5});
    CHECK(read(pieces + field(2, number(3, 2)) + plain)->encoded("abc") == std::vector<Symbol>{6});
    CHECK(read(pieces + field(2, number(3, 2)) + plain)->encoded("abab") ==
          std::vector<Symbol>{4, 4});
    CHECK(read(pieces + plain)->encoded("axxb") == std::vector<Symbol>{1, 0, 2});
    CHECK(read(pieces + plain)->find_unknown("ab") == std::string::npos);
    CHECK(read(pieces + plain)->find_unknown("axb") == 0);
    // A blank in front, which decoding takes off again.
    const auto v = read(pieces + piece(blank, -1));
    CHECK(v->encoded(" a  b ") == std::vector<Symbol>{7, 1, 7, 2});
    CHECK(v->decode(v->encoded(" a  b ")) == "a b");
    CHECK(v->spelling(7) == " ");
}

TEST_CASE("malformed GPT-2 vocabularies are refused with the entry") {
    std::string vocab(read_file(folder() / "gpt2-vocab.json").text());
    std::string merges(read_file(folder() / "gpt2-merges.txt").text());
    const auto read = [&](const std::string& v, const std::string& m) {
        read_gpt2_vocabulary(blob_of("vocab.json", v), blob_of("merges.txt", m));
    };
    read(vocab, merges);
    CHECK_SAYS(read("[]", merges), "vocab.json: expected an object");
    CHECK_SAYS(read("{\"a\":1}", merges),
               "vocab.json: \"a\": expected a symbol from 0 to 0, got 1");
    CHECK_SAYS(read("{\"a\":0,\"b\":0}", merges),
               "vocab.json: \"b\": expected a symbol of its own");
    CHECK_SAYS(read("{\"a\":0}", merges), "expected one for the byte 0");
    CHECK_SAYS(read(vocab, merges + "a b c\n"), "merges.txt: line ");
    CHECK_SAYS(read(vocab, "#version: 0.2\n\nq q\n"),
               "merges.txt: line 3: expected pieces of the vocabulary");
    const std::size_t begin = merges.find('\n') + 1;
    const std::string pair = merges.substr(begin, merges.find('\n', begin) + 1 - begin);
    CHECK_SAYS(read(vocab, pair + "\n" + pair), "merges.txt: line 3: expected every pair once");
}

TEST_CASE("malformed SentencePiece models are refused with the byte") {
    const auto read = [](const std::string& model) { read_sentencepiece(blob_of("m", model)); };
    CHECK_SAYS(read(""),
               "m: expected a SentencePiece model with one piece for what is unknown, got 0");
    CHECK_SAYS(read(unknown + "\x0a\x7f"), "expected 127 bytes, the message has 0 left");
    CHECK_SAYS(read(unknown + "\x0a"), "the message ends");
    CHECK_SAYS(read(unknown + "\x0b"), "a field of a known kind, got 3");
    CHECK_SAYS(read(unknown + std::string(11, '\xff')), "a number of at most 10 bytes");
    CHECK_SAYS(read(unknown + number(1, 1)), "expected a message in field 1");
    CHECK_SAYS(read(unknown + piece("a", 1) + piece("a", 1)), "got \"a\" again");
    CHECK_SAYS(read(unknown + piece("", 1)), "expected a piece of 1 to 4096 bytes");
    CHECK_SAYS(read(unknown + piece("\xff", 1)), "of UTF-8");
    CHECK_SAYS(read(unknown + piece("a", NAN)), "expected a finite score");
    CHECK_SAYS(read(unknown + piece("a", 1, 7)), "expected a type of piece from 1 to 6, got 7");
    CHECK_SAYS(read(unknown + field(2, number(3, 3))), "word and char models are not supported");
    CHECK_SAYS(read(unknown + field(2, std::string("\xc0\x01\x01"))), "white space as a suffix");
    CHECK_SAYS(read(unknown + field(5, field(2, "x"))), "applied after decoding");
    CHECK_SAYS(read(unknown + field(3, field(2, "xxx"))),
               "a normalisation table, got a malformed one");
    CHECK_SAYS(read(unknown + field(2, std::string("\x98\x02\x01"))), "each of the 256 bytes");
    CHECK_SAYS(read(unknown + piece("<0x0G>", 0, 6)), "like <0x0A>, got <0x0G>");
    const json::object stored{{"kind", "sentencepiece"}, {"model", "?"}};
    CHECK_SAYS(read_vocabulary(stored, "data.json", "vocabulary"),
               "data.json: vocabulary.model: expected base64");
}
