#include "files.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/npy.hpp"
#include "pushforward/base/zip.hpp"
#include "pushforward/data/description.hpp"
#include "pushforward/data/inspect.hpp"
#include "pushforward/data/source.hpp"

#include <doctest/doctest.h>

#include <cmath>

using namespace pushforward;
using pushforward::testing::Folder;
using pushforward::testing::gzipped;
using pushforward::testing::idx;
using pushforward::testing::png;

namespace {

/// The message of the DataError that `spec` gives, "" when it gives none.
std::string refusal(const std::string& spec) {
    try {
        prepare_data(spec);
    } catch (const DataError& error) {
        CHECK(error.status() == 3);
        return error.what();
    }
    return {};
}

bool names(const std::string& message, const std::vector<std::string>& parts) {
    for (const auto& part : parts)
        if (message.find(part) == std::string::npos) {
            MESSAGE("'", part, "' is not in: ", message);
            return false;
        }
    return true;
}

}  // namespace

TEST_CASE("cut files are refused with their names and sizes") {
    const Folder folder;
    const std::string whole = idx({3, 4, 4}, std::string(48, 'a'));
    CHECK(names(refusal(folder.write("cut-idx", whole.substr(0, 40))), {"cut-idx"}));
    CHECK(names(refusal(folder.write("cut.gz", gzipped(whole).substr(0, 20))), {"cut.gz"}));
    CHECK(names(refusal(folder.write("empty.csv", "")), {"empty.csv", "empty file"}));
    CHECK(names(refusal(folder / "nothing"), {"nothing", "found nothing"}));
    CHECK(names(refusal(folder.write("odd", std::string("\x01\x02\xff\xfe\x00\x07", 6))),
                {"odd", "expected IDX"}));
    write_npy(folder / "a.npy", array_of<float>({4, 4}, std::vector<float>(16)));
    const Blob npy = read_file(folder / "a.npy");
    CHECK(names(
        refusal(folder.write("b.npy", std::string(npy.text().substr(0, npy.bytes.size() - 3)))),
        {"b.npy"}));
    folder.write("images", idx({3, 4, 4}, std::string(48, 'a')));
    folder.write("labels", idx({2}, std::string(2, '\0')));
    CHECK(names(refusal(folder / "images"), {"labels", "expected 3 labels", "got 2"}));
}

TEST_CASE("an npz whose header lies, and one that is a bomb") {
    const Folder folder;
    // a member that says it holds a thousand million numbers and holds eight bytes
    std::string header = "\x93NUMPY\x01";
    header += std::string(1, '\0');
    std::string dictionary = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000,), }";
    dictionary.resize(117, ' ');
    dictionary += '\n';
    header += static_cast<char>(dictionary.size());
    header += std::string(1, '\0') + dictionary;
    const std::string lying = header + std::string(8, '\0');
    write_zip(folder / "lying.npz", {{"x.npy", {bytes_of(lying)}}});
    CHECK(names(refusal(folder / "lying.npz"), {"lying.npz"}));
    const std::string zeros(std::size_t{300} << 20, '\0');
    folder.write("bomb.gz", gzipped(zeros));
    CHECK(names(refusal(folder / "bomb.gz"), {"bomb.gz"}));
}

TEST_CASE("a folder with a broken, cut or mislabelled picture names the file") {
    for (const int kind : {0, 1, 2}) {
        CAPTURE(kind);
        const Folder folder;
        for (int i = 0; i < 12; ++i)
            folder.write("good" + std::to_string(i) + ".png", png(8, 8, {9}));
        const std::string whole = png(8, 8, {7});
        folder.write("bad.png", kind == 0   ? whole.substr(0, whole.size() / 2)
                                : kind == 1 ? "<html>no picture</html>"
                                            : whole.substr(0, 10));
        CHECK(names(refusal(folder.path()), {"bad.png"}));
    }
    const Folder cut;  // told at once from its end, without decoding the others
    const std::string whole = png(64, 64, {7});
    cut.write("tail.png", whole.substr(0, whole.size() - 14));
    CHECK_THROWS_WITH_AS(open_data(cut.path()), doctest::Contains("tail.png"), DataError);
    const Folder empty;
    CHECK(names(refusal(empty.path()), {"expected a folder of"}));
}

TEST_CASE("a picture that is damaged inside is refused when it is read, by its name") {
    const Folder folder;
    std::string damaged = png(8, 8, {7});
    damaged[damaged.size() - 20] = static_cast<char>(damaged[damaged.size() - 20] ^ 0x55);
    folder.write("inside.png", damaged);
    const std::vector<std::int64_t> first = {0};
    CHECK_THROWS_WITH_AS(open_data(folder.path())->get(first), doctest::Contains("inside.png"),
                         DataError);
}

TEST_CASE("tables: ragged rows, text, missing and non-finite values name line and column") {
    const Folder folder;
    CHECK(names(refusal(folder.write("ragged.csv", "a,b\n1,2\n3\n")), {"ragged.csv", "line 3"}));
    CHECK(names(refusal(folder.write("word.csv", "a,b\n1,2\n3,four\n")),
                {"line 3", "column b", "four", "drop=b"}));
    CHECK(names(refusal(folder.write("nan.csv", "a,b\n1,2\nnan,4\n")), {"line 3", "column a"}));
    CHECK(names(refusal(folder.write("hole.csv", "a,b\n1,\n3,4\n")),
                {"line 2", "column b", "missing=drop"}));
    CHECK(refusal(folder.write("fine.csv", "a,b\n1,2\n3,4\n")).empty());
    CHECK(names(refusal(folder.write("half.csv", "a,k\n1,0.5\n2,1\n") + "?label=k"),
                {"line 2", "column k", "whole number"}));
}

TEST_CASE("arrays: a non-finite value is refused with its row, training or held out") {
    const Folder folder;
    for (const std::size_t at : {std::size_t{0}, std::size_t{37}, std::size_t{79}}) {
        std::vector<float> values(80);
        for (std::size_t i = 0; i < 80; ++i) values[i] = static_cast<float>(i);
        values[at] = at == 0 ? NAN : INFINITY;
        write_npy(folder / "v.npy", array_of<float>({40, 2}, values));
        const std::string message = refusal(folder / "v.npy");
        const std::string row = "row " + std::to_string(at / 2);
        // the test rows are looked at when they are used, the others before training
        if (!message.empty()) CHECK(names(message, {"v.npy", row, "finite"}));
        const Inspection report = inspect_data(folder / "v.npy");
        CHECK(names(report.refused, {row}));
    }
}

TEST_CASE("wrong usage: keys, members and splits are refused by name") {
    const Folder folder;
    const std::string csv = folder.write("t.csv", "a,b\n1,2\n3,4\n");
    const std::string image = folder.write("i.png", png(8, 8, {1}));
    const auto usage = [](const std::string& spec, const char* part) {
        CHECK_THROWS_WITH_AS(open_data(spec), doctest::Contains(part), UsageError);
    };
    usage("", "expected a path");
    usage(csv + "?lable=a", "label");
    usage(csv + "?label=c", "no such column");
    usage(csv + "?size=8", "size has no meaning");
    usage(csv + "?split=dev", "validation");
    usage(csv + "?n=-1", "n");
    usage(csv + "?n", "key=value");
    usage(csv + "?label=%zz", "hexadecimal");
    usage(csv + "#x", "npz");
    usage(image + "?label=a", "label has no meaning");
    usage("energy:double-well", "unnormalised");
    usage("sim:rings", "ring");
    usage("sim:ring?modes=0", "modes");
    usage(csv + "?drop=a,b", "at least one column");
    CHECK_NOTHROW(open_data(csv + "?label=%61"));  // %61 is "a"
}
