#include "pushforward/base/byte_pairs.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <random>

#include "pushforward/base/gzip.hpp"
#include "pushforward/base/text_records.hpp"
#include "tests/unit/base/fixtures.hpp"

using namespace pushforward;

namespace {

using Pieces = std::vector<std::string>;

Pieces pieces_of(const std::string& text, Split split) {
    Pieces out;
    for_each_piece(text, split, [&](std::string_view p) { out.emplace_back(p); });
    return out;
}

std::string random_bytes(std::mt19937& random, std::size_t n, unsigned symbols) {
    std::string out;
    for (std::size_t i = 0; i < n; ++i) out += static_cast<char>(random() % symbols);
    return out;
}

/// Byte pairs by the book: all counts anew before each merge, symbols as strings.
struct BruteForce {
    std::map<std::vector<std::string>, std::int64_t> words;
    std::map<std::string, Symbol> symbol;
    std::vector<BytePair> merges;

    BruteForce(const std::string& text, int wanted, Split split) {
        for (int b = 0; b < 256; ++b) symbol[std::string(1, static_cast<char>(b))] = b;
        for (const auto& piece : pieces_of(text, split)) {
            std::vector<std::string> word;
            for (const char c : piece) word.emplace_back(1, c);
            ++words[word];
        }
        while (static_cast<int>(merges.size()) < wanted) {
            std::map<BytePair, std::int64_t> count;
            for (const auto& [word, n] : words)
                for (std::size_t i = 1; i < word.size(); ++i)
                    count[{symbol[word[i - 1]], symbol[word[i]]}] += n;
            // std::map ascends: the first of the largest is the smallest pair.
            const auto best =
                std::max_element(count.begin(), count.end(),
                                 [](const auto& a, const auto& b) { return a.second < b.second; });
            if (best == count.end() || best->second < 2) break;
            merges.push_back(best->first);
            std::string left, right;
            for (const auto& [s, id] : symbol) {
                if (id == best->first.first) left = s;
                if (id == best->first.second) right = s;
            }
            symbol[left + right] = static_cast<Symbol>(255 + merges.size());
            std::map<std::vector<std::string>, std::int64_t> next;
            for (const auto& [word, n] : words) {
                std::vector<std::string> merged;
                for (std::size_t i = 0; i < word.size(); ++i)
                    if (i + 1 < word.size() && word[i] == left && word[i + 1] == right) {
                        merged.push_back(left + right);
                        ++i;
                    } else {
                        merged.push_back(word[i]);
                    }
                next[merged] += n;
            }
            words = next;
        }
    }
};

const std::string verse =
    "the thin thatcher thatched the thick thatch; the thatch that the thin thatcher thatched "
    "wasn't the thickest thatch that they'd thatch\n\naaaa aaaaa aaa banana bandana abababab ababa "
    "1234 123 12 \xc3\xa9t\xc3\xa9 \xc3\xa9t\xc3\xa9s\n";

}  // namespace

TEST_CASE("text is cut as GPT-2's expression does") {
    using P = Pieces;
    for (const Split split : {Split::ascii, Split::gpt2}) {
        CHECK(pieces_of("Hello world's 42nd  day!!\n\n x", split) ==
              P{"Hello", " world", "'s", " 42", "nd", " ", " day", "!!", "\n\n", " x"});
        CHECK(pieces_of("a \n", split) == P{"a", " \n"});
        CHECK(pieces_of("\nb", split) == P{"\n", "b"});
        CHECK(pieces_of("\t\tb 'll're ' s", split) ==
              P{"\t", "\t", "b", " '", "ll", "'re", " '", " s"});
        CHECK(pieces_of("", split).empty());
    }
    // Unicode's classes, and without them.
    CHECK(pieces_of("\xc3\xa9t\xc3\xa9 \xc2\xbd\xe2\x80\x83x\xe2\x80\xa6", Split::gpt2) ==
          P{"\xc3\xa9t\xc3\xa9", " \xc2\xbd", "\xe2\x80\x83", "x", "\xe2\x80\xa6"});
    CHECK(pieces_of("\xc3\xa9t\xc3\xa9 \xc2\xbd\xe2\x80\x83x\xe2\x80\xa6", Split::ascii) ==
          P{"\xc3\xa9t\xc3\xa9", " \xc2\xbd\xe2\x80\x83x\xe2\x80\xa6"});
    CHECK(pieces_of("a\xff\xc3"
                    "b",
                    Split::gpt2) == P{"a", "\xff\xc3", "b"});
    CHECK(pieces_of(std::string(600, 'a'), Split::ascii) ==
          P{std::string(256, 'a'), std::string(256, 'a'), std::string(88, 'a')});
    CHECK(pieces_of(std::string(600, 'a'), Split::gpt2).size() == 1);
}

TEST_CASE("learnt pairs are those of a trainer that counts everything anew") {
    std::mt19937 random(3);
    // In the last one a pair behind its own merge ("ab" "a") is frequent, and so are "ab" "ab".
    std::vector<std::string> texts = {verse, "", "a", std::string(100, 'a'),
                                      "abacabadabaeabafabagabahabaiabababababab"};
    for (const unsigned symbols : {2u, 3u, 5u}) {
        std::string text = random_bytes(random, 400, symbols);
        for (char& c : text) c = static_cast<char>('a' + c);
        text += " " + text.substr(0, 57) + "  " + text.substr(11, 31);
        texts.push_back(text);
    }
    for (const auto& text : texts) {
        const BruteForce truth(text, 120, Split::ascii);
        const std::string_view view = text;
        const auto merges = learn_byte_pairs({&view, 1}, 120);
        REQUIRE(merges == truth.merges);
        // Applied to its own text, a vocabulary gives the segments that training ended with.
        const auto vocabulary = byte_pair_vocabulary(merges);
        CHECK(truth.symbol.size() == 256 + merges.size());  // no two are spelt alike
        for (const auto& [word, n] : truth.words) {
            std::string joined;
            std::vector<Symbol> expected;
            for (const auto& s : word) {
                joined += s;
                expected.push_back(truth.symbol.at(s));
            }
            CHECK(vocabulary->encoded(joined) == expected);
        }
    }
    CHECK(texts.size() == 8);
    // Several texts are counted together; nothing is merged across them.
    const std::string_view two[] = {"ab", "ab"}, one[] = {"abab"};
    CHECK(learn_byte_pairs(two, 5) == std::vector<BytePair>{{'a', 'b'}});
    CHECK(learn_byte_pairs(one, 5) == std::vector<BytePair>{{'a', 'b'}});
    CHECK(message_of<UsageError>([&] { learn_byte_pairs(two, -1); }) ==
          "byte pairs: expected merges of 0 or more, got -1");
}

TEST_CASE("byte pairs: decoding undoes encoding on any bytes") {
    std::mt19937 random(5);
    const std::string_view view = verse;
    for (const Split split : {Split::ascii, Split::gpt2}) {
        const auto v = byte_pair_vocabulary(learn_byte_pairs({&view, 1}, 200, split), split,
                                            {true, true, false});
        CHECK(v->kind() == "bpe");
        CHECK(v->marks().begin == v->size() - 2);
        CHECK(v->marks().end == v->size() - 1);
        CHECK(v->spelling(*v->marks().end).empty());
        for (int k = 0; k < 300; ++k) {
            std::string text = random_bytes(random, random() % 200, k % 2 ? 256 : 128);
            if (k % 3 == 0) text += verse.substr(random() % 50, random() % 300);
            const auto symbols = v->encoded(text);
            CHECK(v->decode(symbols) == text);
            std::string streamed;
            for (const Symbol s : symbols) streamed += v->spelling(s);
            CHECK(streamed == text);
            CHECK(v->find_unknown(text) == std::string::npos);
        }
        const json::value stored = parse_json(to_json(v->to_json()), "v");
        const auto again = read_vocabulary(stored, "data.json", "vocabulary");
        CHECK(again->identity() == v->identity());
        CHECK(again->marks() == v->marks());
        CHECK(again->encoded(verse) == v->encoded(verse));
        CHECK(message_of<UsageError>([&] { static_cast<void>(v->spelling(-1)); }) ==
              text("vocabulary: expected a symbol below ", v->size(), ", got -1"));
    }
    CHECK(byte_pair_vocabulary({})->encoded("ab") == std::vector<Symbol>{97, 98});
    CHECK(byte_pair_vocabulary({{97, 98}})->identity() != byte_pair_vocabulary({})->identity());
    CHECK(contains(message_of<UsageError>([] { byte_pair_vocabulary({{97, 256}}); }),
                   "a pair of symbols below 256, got 97 and 256"));
}

TEST_CASE("a long piece is encoded in time") {
    const std::string_view view = verse;
    const auto v =
        byte_pair_vocabulary(learn_byte_pairs({&view, 1}, 200, Split::gpt2), Split::gpt2);
    const std::string piece(1 << 20, 'a');
    const auto symbols = v->encoded(piece);
    CHECK(v->decode(symbols) == piece);
    CHECK(symbols.size() <= piece.size() / 2);
}

TEST_CASE("malformed byte pairs are refused with the entry") {
    const auto stored = [](const std::function<void(json::object&)>& change) {
        json::object o =
            byte_pair_vocabulary({{'a', 'b'}}, Split::ascii, {true, false, false})->to_json();
        change(o);
        read_vocabulary(o, "data.json", "vocabulary");
    };
    stored([](json::object&) {});
    CHECK_SAYS(stored([](json::object& o) { o["split"] = "x"; }),
               "data.json: vocabulary.split: expected ascii or gpt2");
    CHECK_SAYS(stored([](json::object& o) { o.erase("merges"); }), "vocabulary.merges: is missing");
    CHECK_SAYS(stored([](json::object& o) { o["pieces"].as_array()[3] = 1; }), "null for marks");
    CHECK_SAYS(stored([](json::object& o) { o["pieces"].as_array()[97] = "aa"; }),
               "vocabulary.pieces[97]: expected one for the byte 97");
    CHECK_SAYS(stored([](json::object& o) { o["pieces"].as_array()[256] = "a"; }),
               "vocabulary.pieces[256]: expected every piece once");
    CHECK_SAYS(stored([](json::object& o) { o["pieces"].as_array()[256] = "a b"; }),
               "printable characters that stand for bytes");
    CHECK_SAYS(stored([](json::object& o) { o["pieces"].as_array()[256] = nullptr; }),
               "vocabulary.pieces[256]: expected text");
    CHECK_SAYS(stored([](json::object& o) { o["merges"].as_array()[0] = "ab"; }),
               "vocabulary.merges[0]: expected two pieces with a blank");
    CHECK_SAYS(stored([](json::object& o) { o["merges"].as_array()[0] = "a c"; }),
               "vocabulary.merges[0]: expected pieces of the vocabulary whose join is one too");
    CHECK_SAYS(stored([](json::object& o) { o["merges"].as_array().push_back("a b"); }),
               "vocabulary.merges[1]: expected every pair once");
    CHECK_SAYS(stored([](json::object& o) { o["marks"].as_object()["begin"] = 258; }),
               "vocabulary.marks.begin: expected a symbol from 0 to 257, got 258");
    CHECK_SAYS(stored([](json::object& o) { o["marks"].as_object()["start"] = 1; }),
               "vocabulary.marks.start: expected begin, end or unknown");
    CHECK_SAYS(stored([](json::object& o) { o["kind"] = "words"; }),
               "vocabulary.kind: expected bytes, characters, bpe or sentencepiece, got words");
}

TEST_CASE("the real texts: byte pairs compress, and come back") {
    const std::filesystem::path data = std::filesystem::path(PF_SOURCE_DIR) / "../shared/data";
    if (!std::filesystem::exists(data / "tinyshakespeare")) {
        MESSAGE("skipped: ../shared/data is not here");
        return;
    }
    const TextRecords play = read_text(data / "tinyshakespeare/input.txt");
    const std::string_view whole = play.records[0].text;
    CHECK(whole.size() == 1'115'394);
    const auto fitted = whole.substr(0, whole.size() - 111'540);
    double before = 1;
    for (const std::int64_t merges : {256, 1024}) {
        const auto start = std::chrono::steady_clock::now();
        const auto v = byte_pair_vocabulary(learn_byte_pairs({&fitted, 1}, merges));
        const auto learnt = std::chrono::steady_clock::now();
        const auto symbols = v->encoded(whole);
        const auto done = std::chrono::steady_clock::now();
        const double ratio =
            static_cast<double>(whole.size()) / static_cast<double>(symbols.size());
        MESSAGE(merges << " merges: learnt in "
                       << std::chrono::duration<double>(learnt - start).count() << " s, " << ratio
                       << " bytes a symbol, encoded at "
                       << static_cast<double>(whole.size()) / 1e6 /
                              std::chrono::duration<double>(done - learnt).count()
                       << " MB/s");
        CHECK(v->size() == 256 + merges);
        CHECK(v->decode(symbols) == whole);
        CHECK(ratio > before);
        before = ratio;
    }
    CHECK(before > 2);
}
