#include "pushforward/base/table.hpp"

#include <cmath>

#include "pushforward/base/gzip.hpp"
#include "tests/unit/base/fixtures.hpp"

using namespace pushforward;

namespace {

using Numbers = std::vector<double>;
using Texts = std::vector<std::string>;
using Lines = std::vector<std::int64_t>;

Table read(const std::string& text) {
    return read_table(blob_of("t.csv", text));
}

Texts names(const Table& table) {
    Texts out;
    for (const auto& column : table.columns) out.push_back(column.name);
    return out;
}

}  // namespace

TEST_CASE("a table's delimiter, header and types are told from its content") {
    const Table a = read("x,y,kind\n1,2.5,cat\n-3,+4e2,dog\n");
    CHECK(a.header);
    CHECK(a.rows == 2);
    CHECK(names(a) == Texts{"x", "y", "kind"});
    CHECK(a.find("x")->numbers == Numbers{1, -3});
    CHECK(a.find("y")->numbers == Numbers{2.5, 400});
    CHECK(a.find("kind")->texts == Texts{"cat", "dog"});
    CHECK_FALSE(a.find("kind")->numeric);
    CHECK(a.lines == Lines{2, 3});
    CHECK(a.find("z") == nullptr);

    const Table b = read("1\t2\n3\t4");
    CHECK_FALSE(b.header);
    CHECK(b.delimiter == '\t');
    CHECK(names(b) == Texts{"column_1", "column_2"});
    CHECK(b.columns[1].numbers == Numbers{2, 4});
    CHECK(b.lines == Lines{1, 2});

    const Table c = read("# made by hand\n   1.0  2 \n\n 3\t4  \n");
    CHECK(c.delimiter == ' ');
    CHECK(c.rows == 2);
    CHECK(c.columns[0].numbers == Numbers{1, 3});
    CHECK(c.lines == Lines{2, 4});

    CHECK(read("\"a b\";\"c\"\n1;2\n").delimiter == ';');
    CHECK(read("a|b\n1|2\n").columns[1].numbers == Numbers{2});
    CHECK(read("x\n1\n2\n").columns[0].numbers == Numbers{1, 2});
    CHECK(read("x\r\n1\r\n2").columns[0].numbers == Numbers{1, 2});
    CHECK(read("x\r1\r2\r").columns[0].numbers == Numbers{1, 2});
    CHECK(names(read("\xef\xbb\xbfx,y\n1,2\n")) == Texts{"x", "y"});
    CHECK(read("when,value\n2014-04-01 00:00:00,20.0\n").columns[1].numbers == Numbers{20});
}

TEST_CASE("headers of years, of texts, and none at all") {
    const Table years = read("country,2019,2020,code\nA,1,2,x\nB,3,4,y\n");
    CHECK_FALSE(years.header);  // half of the names are numbers and no name stands above numbers
    const Table named = read("id,name,2019,2020\n1,A,1,2\n2,B,3,4\n");
    CHECK(named.header);
    CHECK(names(named) == Texts{"id", "name", "2019", "2020"});
    CHECK(read("name,kind\nA,x\nB,x\n").header);
    CHECK_FALSE(read("A,x\nB,x\n").header);
    CHECK_FALSE(read("A\nB\n").header);
    CHECK_FALSE(read("5.1,3.5,setosa\n4.9,3.0,setosa\n").header);
    CHECK_FALSE(read("oops,2,3\n4,5,6\n").header);
    CHECK(names(read("x,x,,x\n1,2,3,4\n")) == Texts{"x", "x.1", "column_3", "x.2"});
    CHECK(read("a,b\n").rows == 0);
}

TEST_CASE("quoted cells hold delimiters, quotes and line ends") {
    const Table a = read("name,text\n1,\"a,b\"\n2,\"say \"\"hi\"\"\"\n3,\"two\nlines\"\n4,\"\"\n");
    CHECK(a.columns[1].texts == Texts{"a,b", "say \"hi\"", "two\nlines", ""});
    CHECK(a.lines == Lines{2, 3, 4, 6});
    CHECK(a.columns[1].missing == Lines{3});
    CHECK(read("x,y\n\"1\",\"2\"\n").columns[1].numbers == Numbers{2});
    CHECK(read("x,y\n5'10\",2\n").columns[0].texts == Texts{"5'10\""});
}

TEST_CASE("missing, non-finite and text cells are reported with their places") {
    const Table a = read("x,y\n1,2\n,nan\nNA,-inf\n7,1e999\n?,1e-999\n");
    CHECK(a.columns[0].numeric);
    CHECK(a.columns[0].missing == Lines{1, 2, 4});
    CHECK(a.columns[0].nonfinite.empty());
    CHECK(std::isnan(a.columns[0].numbers[1]));
    CHECK(a.columns[1].nonfinite == Lines{1, 2, 3});
    CHECK(a.columns[1].numbers[4] == 0);
    const Table b = read("x,y\n1,2\n2,3\noops,4\nagain,5\n");
    CHECK_FALSE(b.columns[0].numeric);
    CHECK(b.columns[0].first_text->line == 4);
    CHECK(b.columns[0].first_text->text == "oops");
    CHECK(b.columns[0].texts == Texts{"1", "2", "oops", "again"});
    CHECK(read("oops,2,3\n4,5,6\n").columns[0].first_text->line == 1);
    CHECK_FALSE(read("x,y\n1.5mm,2\n").columns[0].numeric);
    CHECK_FALSE(read("x,y\n0x10,2\n").columns[0].numeric);
}

TEST_CASE("a malformed table is refused with its line") {
    CHECK_SAYS(read("x,y\n1,2\n3\n"), "t.csv: line 3: expected 2 cells, got 1");
    CHECK_SAYS(read("x,y\n1,2\n3,4,5\n"), "line 3: expected 2 cells, got 3");
    CHECK_SAYS(read("x,y\n1,\"2\n\"\n3\n"), "line 4: expected 2 cells, got 1");
    CHECK_SAYS(read("1 2 3\n4 5\n"), "line 2: expected 3 cells, got 2");
    CHECK_SAYS(read("x,y\n1,\"2\n3,4\n"), "line 2: expected a closing quote");
    CHECK_SAYS(read("x,y\n1,\"2\"3\n"), "line 2: expected the end of a cell");
    CHECK_SAYS(read("x,y\n1,caf\xe9\n"), "line 2: expected UTF-8 text, got byte 233");
    CHECK_SAYS(read(std::string("x,y\n1,\0\n", 8)), "line 2: expected UTF-8 text, got byte 0");
    CHECK_SAYS(read(""), "no line of text");
    CHECK_SAYS(read("\n\n  \n"), "no line of text");
    CHECK_SAYS(read(std::string(70000, ',')), "at most 65536 columns");
}

TEST_CASE("real tables of every kind are read") {
    const std::filesystem::path data = std::filesystem::path(PF_SOURCE_DIR) / "../shared/data";
    if (!std::filesystem::exists(data / "uci_tabular")) {
        MESSAGE("skipped: ../shared/data is not here");
        return;
    }
    struct Expected {
        const char* file;
        std::int64_t rows;
        std::size_t columns;
        bool header;
        char delimiter;
    };
    for (const Expected& e :
         {Expected{"uci_tabular/yacht/data.txt.gz", 308, 7, false, ' '},
          Expected{"uci_tabular/concrete/data.txt.gz", 1030, 9, false, '\t'},
          Expected{"higgs_subset/higgs.csv.gz", 10984, 29, true, ','},
          Expected{"crystals/carbon_24_test.csv.gz", 2030, 4, true, ','},
          Expected{"kang_pbmc_ifnb/cells.tsv.gz", 2000, 2, true, '\t'},
          Expected{"protein_dms/BLAT_ECOLX_Ranganathan2015.csv.gz", 4996, 29, true, ','}}) {
        const Table table = read_table(open_file(data / e.file));
        CAPTURE(e.file);
        CHECK(table.rows == e.rows);
        CHECK(table.columns.size() == e.columns);
        CHECK(table.header == e.header);
        CHECK(table.delimiter == e.delimiter);
    }
}
