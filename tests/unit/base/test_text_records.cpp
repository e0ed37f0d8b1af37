#include "pushforward/base/text_records.hpp"

#include "tests/unit/base/fixtures.hpp"

using namespace pushforward;

namespace {

using Texts = std::vector<std::string>;

Texts texts(const TextRecords& records) {
    Texts out;
    for (const auto& r : records.records) out.emplace_back(r.text);
    return out;
}

TextRecords parsed(const std::string& text, TextFormat format, TextCheck check = TextCheck::utf8) {
    return parse_text(blob_of("f", text), format, check);
}

}  // namespace

TEST_CASE("a document is one record, byte for byte") {
    const std::string crlf = "a\r\nb\n\n";
    CHECK(texts(parsed(crlf, TextFormat::document)) == Texts{crlf});
    CHECK(texts(parsed("\xef\xbb\xbfx", TextFormat::document)) == Texts{"x"});
    CHECK(texts(parsed("\xef\xbb\xbfx", TextFormat::document, TextCheck::bytes)) ==
          Texts{"\xef\xbb\xbfx"});
    CHECK(
        texts(parsed(std::string("\0\xff", 2), TextFormat::document, TextCheck::bytes))[0].size() ==
        2);
    CHECK_SAYS(parsed(std::string("a\nb\0", 4), TextFormat::document),
               "f: line 2, byte 3: expected text, got a NUL byte");
    CHECK_SAYS(parsed("a\n\nbc\xe9", TextFormat::document),
               "f: line 3, byte 5: expected UTF-8 text, got the byte 233");
    CHECK_SAYS(parsed("", TextFormat::document), "f: expected text, got none");
}

TEST_CASE("lines are records with their places") {
    const TextRecords r = parsed("one\r\n\nthree\nlast", TextFormat::lines);
    CHECK(texts(r) == Texts{"one", "", "three", "last"});
    CHECK(r.records[2].line == 3);
    CHECK(r.records[2].byte == 6);
    CHECK(r.origin(r.records[3]).place("last", 1) == "line 4, byte 13");
    CHECK_SAYS(character_vocabulary(parsed("\n\n", TextFormat::lines)),
               "f: expected records with characters, all are empty");
}

TEST_CASE("SMILES are the first column") {
    const TextRecords r = parsed(
        "SMILES\tname\nCCO ethanol x \n\n  c1ccccc1\tbenzene\r\n[Na+].[Cl-]", TextFormat::smiles);
    CHECK(texts(r) == Texts{"CCO", "c1ccccc1", "[Na+].[Cl-]"});
    CHECK(r.records[0].name == "ethanol x");
    CHECK(r.records[1].name == "benzene");
    CHECK(r.records[1].line == 4);
    CHECK_SAYS(parsed("CC\nC\xc3\xa9 x\n", TextFormat::smiles),
               "f: line 2, byte 4: expected a SMILES of printable ASCII, got the byte 195");
    CHECK_SAYS(parsed("smiles\n\n", TextFormat::smiles), "expected text, got none");
}

TEST_CASE("FASTA sequences may span lines") {
    const TextRecords r = parsed(
        ">one the first\r\nMKV\r\nacd*\r\n; a comment\n>two\nM-K.V\n\n>three\nAC GT\nAC\nGT\n",
        TextFormat::fasta);
    CHECK(texts(r) == Texts{"MKVacd*", "M-K.V", "ACGTACGT"});
    CHECK(r.records[0].name == "one the first");
    CHECK(r.records[2].name == "three");
    CHECK(r.records[2].line == 9);
    CHECK(r.records[1].byte == 44);
    const TextRecords copy = TextRecords(r);
    CHECK(texts(copy)[2] == "ACGTACGT");
    CHECK_SAYS(parsed("ACGT\n", TextFormat::fasta), "f: line 1, byte 0: expected a header");
    CHECK_SAYS(parsed(">a\n>b\nAC\n", TextFormat::fasta),
               "f: line 1, byte 0: expected a sequence after the header, got none");
    CHECK_SAYS(parsed(">a\nAC\n>b", TextFormat::fasta), "line 3, byte 6: expected a sequence");
    CHECK_SAYS(parsed(">a\nAC\nA1\n", TextFormat::fasta),
               "f: line 3, byte 7: expected a letter, '*', '-' or '.' of a sequence, got '1'");
    CHECK_SAYS(parsed("\n", TextFormat::fasta), "expected text, got none");
}

TEST_CASE("the format is told from the name, then from the content") {
    CHECK(text_format("a.SMI.gz", "CC") == TextFormat::smiles);
    CHECK(text_format("a.fasta", "x") == TextFormat::fasta);
    CHECK(text_format("a.txt", ">h\nACGT\n") == TextFormat::fasta);
    CHECK(text_format("a", ">h\r\nACGT\r\n") == TextFormat::fasta);
    CHECK(text_format("a", "> quoted\nHello, you\n") == TextFormat::document);
    CHECK(text_format("a", ">h\n") == TextFormat::document);
    CHECK(text_format("a.txt", "CCO\n") == TextFormat::document);
}

TEST_CASE("a folder's texts are read in the order of their names, gzip too") {
    const Scratch scratch;
    std::filesystem::create_directories(scratch / "b");
    write_atomic(scratch / "b/1.txt", "third");
    write_atomic(scratch / "a.txt", "first");
    write_atomic(scratch / "a2.txt.gz", gzipped("second"));
    write_atomic(scratch / "other.bin", "no");
    const TextRecords r = read_text(scratch.path());
    CHECK(texts(r) == Texts{"first", "second", "third"});
    CHECK(contains(r.origin(r.records[2]).file, "b/1.txt"));
    const auto v = byte_vocabulary({false, true, false});
    const SymbolStream stream = encode_records(*v, r);
    CHECK(stream.begins == std::vector<std::int64_t>{0, 6, 13});
    CHECK(stream.symbols.size() == 19);
    CHECK(stream.symbols[5] == 256);
    CHECK(stream.symbols[18] == 256);
    CHECK(contains(message_of<UsageError>([&] { encode_records(*byte_vocabulary(), r); }),
                   "a vocabulary with an end mark"));
    const auto both = byte_vocabulary({true, true, false});
    CHECK(encode_records(*both, read_text(scratch / "a.txt")).symbols ==
          std::vector<Symbol>{256, 'f', 'i', 'r', 's', 't', 257});

    write_atomic(scratch / "z.smi", "CC");
    CHECK_SAYS(read_text(scratch.path()), "z.smi: expected text of the same format as");
    std::filesystem::create_directories(scratch / "empty");
    CHECK_SAYS(read_text(scratch / "empty"), "expected .txt, .smi or .fasta files");
    CHECK_SAYS(read_text(scratch / "none.txt"), "none.txt");
    // An unknown character in a record is named by its file.
    const std::string_view ab = "thirdfsecon";
    const auto few = character_vocabulary({&ab, 1}, {false, true, false});
    write_atomic(scratch / "q.fa", ">h\nth\n>i\nfix\n");
    CHECK_SAYS(encode_records(*few, read_text(scratch / "q.fa")), "q.fa: line 4, byte 11: ");
}

TEST_CASE("the real molecules and sequences are read") {
    const std::filesystem::path data = std::filesystem::path(PF_SOURCE_DIR) / "../shared/data";
    if (!std::filesystem::exists(data / "zinc_smiles")) {
        MESSAGE("skipped: ../shared/data is not here");
        return;
    }
    const TextRecords zinc =
        read_text(data / "zinc_smiles/valid.txt.gz", TextFormat::smiles, TextCheck::utf8);
    CHECK(zinc.records.size() == 24445);
    const auto v = character_vocabulary(zinc, {true, true, false});
    MESSAGE(v->size() << " symbols with two marks");
    std::size_t longest = 0;
    for (const auto& r : zinc.records) longest = std::max(longest, r.text.size());
    CHECK(longest <= 105);
    const TextRecords proteases = read_text(data / "protein_msa_small/s1Ahalabi_1470.an.gz");
    CHECK(proteases.records.size() == 1470);
    for (const auto& r : proteases.records) CHECK(r.text.size() == 832);
    const TextRecords channels = read_text(data / "protein_scn5a/SCN5A_HUMAN_b1.0.a2m.gz");
    CHECK(channels.records.size() == 11848);
}
