#include "files.hpp"
#include "pushforward/data/description_json.hpp"
#include "pushforward/data/text_export.hpp"
#include "tests/unit/support.hpp"

#include <doctest/doctest.h>
#include <torch/types.h>

using namespace pushforward;
using pushforward::testing::Folder;
using pushforward::testing::refusal;

namespace {

const std::string kDocument = "To be, or not to be, that is the question:\nWhether 'tis nobler\n";

std::string read_back(const Source& source, std::int64_t row) {
    return texts_of(source.get(std::vector<std::int64_t>{row}).x, *source.vocabulary())[0];
}

}  // namespace

TEST_CASE("text that is no table of numbers is one document of characters") {
    const Folder folder;
    const auto source = open_data(folder.write("hamlet.txt", kDocument));
    CHECK(source->size() == 1);
    CHECK(source->spec().x.is_sequence());
    CHECK(source->spec().x.event == std::vector<std::int64_t>{-1});
    CHECK(source->spec().x.end == -1);
    CHECK(source->stream().size() == kDocument.size());
    CHECK(read_back(*source, 0) == kDocument);
    CHECK(source->kind().find("document text, 1 record, ") == 0);
    // the same letters as a table, and as bytes
    CHECK(open_data(folder.write("n.txt", "1 2\n3 4\n"))->spec().x.kind == Kind::real);
    CHECK(open_data(folder.write("h.txt", "a b\n1 2\n3 4\n"))->spec().x.kind == Kind::real);
    CHECK(open_data(folder / "n.txt?format=document")->spec().x.is_sequence());
    CHECK(open_data(folder / "hamlet.txt?vocabulary=bytes")->spec().x.symbols == 256);
    const auto pairs = open_data(folder / "hamlet.txt?vocabulary=byte_pairs&merges=5");
    CHECK(pairs->spec().x.symbols == 261);
    CHECK(pairs->stream().size() < kDocument.size());
    CHECK(read_back(*pairs, 0) == kDocument);
}

TEST_CASE("lines, SMILES, FASTA and several documents are records with an end") {
    const Folder folder;
    const auto lines = open_data(folder.write("words.txt", "one\nthree\n\n") + "?format=lines");
    CHECK(lines->size() == 3);
    CHECK(lines->stream().empty());
    CHECK(lines->spec().x.end == lines->spec().x.symbols - 1);
    const Tensor x = lines->get(std::vector<std::int64_t>{0, 1}).x;
    CHECK(x.size(1) == 6);
    CHECK(x[0][3].item<std::int64_t>() == lines->spec().x.end);
    CHECK(x[0].slice(0, 4).eq(-1).all().item<bool>());
    CHECK(read_back(*lines, 1) == "three");
    const auto smiles = open_data(folder.write("m.smi", "CCO ethanol\nC1CC1\n"));
    CHECK(smiles->size() == 2);
    CHECK(read_back(*smiles, 0) == "CCO");
    const auto fasta = open_data(folder.write("p.fasta", ">a\nMKV\nA\n>b\nGG\n"));
    CHECK(read_back(*fasta, 0) == "MKVA");
    const Folder texts;
    texts.write("a.txt", "first words");
    texts.write("b.txt", "second words");
    const auto both = open_data(texts / "");
    CHECK(both->size() == 2);
    CHECK(both->spec().x.end >= 0);
    CHECK(both->stream().size() == 11 + 12 + 2);
    // other text in the same symbols
    const auto other =
        open_data(folder.write("other.txt", "tree\n") + "?format=lines", lines->vocabulary());
    CHECK(other->spec().x == lines->spec().x);
    CHECK(read_back(*other, 0) == "tree");
    CHECK_THROWS_WITH_AS(
        open_data(folder.write("bad.txt", "thx\n") + "?format=lines", lines->vocabulary()),
        doctest::Contains("bad.txt"), DataError);
}

TEST_CASE("a document is split by place: windows to train on, the rest whole to judge by") {
    const Folder folder;
    std::string long_text;
    for (int i = 0; i < 1003; ++i) long_text += static_cast<char>('a' + i * i % 26);
    const std::string file = folder.write("long.txt", long_text);
    const auto p = prepare_data(file, {.validation = 0.1, .window = 50});
    CHECK(p.split.train.size() == 902 - 50 + 1);  // floor(0.9 * 1003) = 902
    CHECK(p.split.validation.size() == 3);        // of 101 symbols: 50, 50, 1
    CHECK(p.test->size() == 1);
    CHECK(read_back(*p.test, 0) == long_text.substr(902));
    CHECK(read_back(*p.data, p.split.train[7]) == long_text.substr(7, 50));
    CHECK(read_back(*p.data, p.split.train.back()) == long_text.substr(852, 50));
    CHECK(read_back(*p.data, p.split.validation[1]) == long_text.substr(952, 50));
    CHECK(read_back(*p.data, p.split.validation[2]) == long_text.substr(1002));
    CHECK(read_back(*open_data(file + "?split=validation"), 0) == long_text.substr(902));
    CHECK(read_back(*open_data(file + "?split=train"), 0) == long_text.substr(0, 902));
    CHECK(refusal([&] { open_data(file + "?split=test"); }).find("a document has no test part") !=
          std::string::npos);
    const auto all = prepare_data(file, {.validation = 0, .window = 5000});
    CHECK(all.split.train.size() == 1);
    CHECK(all.split.validation.empty());
    CHECK(all.test->size() == 0);
    // what is remembered of it
    const DataDescription& d = p.description;
    const std::string json = description_json(d);
    const DataDescription back = read_description(read_file(folder.write("data.json", json)));
    CHECK(back == d);
    CHECK(back.vocabulary->identity() == d.vocabulary->identity());
    CHECK(difference(d, prepare_data(file + "?vocabulary=bytes", {.window = 50}).description) !=
          "");
}

TEST_CASE("keys that text has no use for are refused, and text that numbers have no use for") {
    const Folder folder;
    const std::string file = folder.write("t.txt", kDocument);
    CHECK(refusal([&] { open_data(file + "?label=a"); }).find("label has no meaning for text") !=
          std::string::npos);
    CHECK(refusal([&] {
              open_data(folder.write("n.csv", "1,2\n3,4\n") + "?vocabulary=bytes");
          }).find("vocabulary has no meaning for anything but text") != std::string::npos);
    CHECK(refusal([&] {
              open_data(file + "?vocabulary=nowhere.model");
          }).find("expected characters, bytes, byte_pairs") != std::string::npos);
    CHECK_THROWS_AS(
        open_data(folder.write("bin.txt", std::string("a\xff text", 7)) + "?format=document"),
        DataError);
}
