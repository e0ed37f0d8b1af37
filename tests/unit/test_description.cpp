#include "pushforward/base/errors.hpp"
#include "pushforward/data/description_json.hpp"

#include <doctest/doctest.h>

using namespace pushforward;

TEST_CASE("data.json reads back the same, and names what is wrong in it") {
    DataDescription d;
    d.source = "table.csv?label=kind";
    d.kind = "a table";
    d.spec = {{Kind::real, {3}, 0},
              {{"label", {Kind::symbol, {}, 2}, {"a", "b"}}, {"z", {Kind::real, {1}, 0}, {}}}};
    d.columns = {"p", "q", "r"};
    d.scaling = Scaling({{0.1, 1.0 / 3, -2}, {1, 2, 3e-7}}, {{"z", {{5}, {2}}}});
    d.split = "rows 0 to 9";
    d.train = 8, d.validation = 1, d.test = 1;
    d.fingerprint = "abc";
    const std::string text = description_json(d);
    CHECK(read_description(blob_of("data.json", text)) == d);

    std::string broken = text;
    broken.replace(broken.find("\"train\""), 7, "\"trian\"");
    CHECK_THROWS_WITH_AS(read_description(blob_of("data.json", broken)),
                         "data.json: rows.train: is missing", DataError);
    broken = text;
    broken.replace(broken.find("\"real\""), 6, "\"unreal\"");
    CHECK_THROWS_AS(read_description(blob_of("data.json", broken)), DataError);
}
