#include "pushforward/base/json.hpp"

#include <limits>

#include "tests/unit/base/scratch.hpp"

using namespace pushforward;

TEST_CASE("JSON keeps integers, order and every double") {
    const std::string text =
        R"({"b":[1,-2,18446744073709551615],"a":{"x":0.1,"y":null},"s":"é\n"})";
    CHECK(to_json(parse_json(text, "t")) == text);
    for (const double x : {0.1, 1.0 / 3, 5e-324, 1.7976931348623157e308, 9007199254740993.0,
                           2.2250738585072014e-308, -123.456, 4.35, 0.3}) {
        CHECK(parse_json(number_text(x), "t").as_double() == x);
        CHECK(parse_json("[" + number_text(x) + "]", "t").at(0).as_double() == x);
    }
}

TEST_CASE("numbers are written as a person writes them") {
    CHECK(number_text(0.1) == "0.1");
    CHECK(number_text(3) == "3.0");
    CHECK(number_text(100000) == "100000.0");
    CHECK(number_text(0.0001) == "0.0001");
    CHECK(number_text(1e-7) == "1e-07");
    CHECK(number_text(1.5e20) == "1.5e+20");
    CHECK(number_text(-0.0) == "-0.0");
    CHECK(number_text(std::numeric_limits<double>::infinity()) == "inf");
    const double nan = std::numeric_limits<double>::quiet_NaN();
    CHECK(to_json(json::array{nan, -std::numeric_limits<double>::infinity(), 7}) ==
          "[null,null,7]");
}

TEST_CASE("the indented form reads back") {
    const json::value value = {{"a", {1, 2}}, {"b", json::object{}}, {"c", json::array{}}};
    CHECK(to_json_indented(value) ==
          "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {},\n  \"c\": []\n}\n");
    CHECK(parse_json(to_json_indented(value), "t") == value);
}

TEST_CASE("malformed JSON is refused with its place") {
    CHECK_SAYS(parse_json("{\"a\": 1,\n  \"a\": 2}", "f.json"), "f.json: line 2, column 5");
    CHECK_SAYS(parse_json("{\"a\": 1,\n  \"a\": 2}", "f.json"), "got \"a\" again");
    CHECK_SAYS(parse_json("{\"a\":1,\"\\u0061\":2}", "t"), "got \"a\" again");
    CHECK_SAYS(parse_json("[{\"a\":1},{\"a\":1},{\"b\":1,\"b\":1}]", "t"), "got \"b\" again");
    for (const char* bad : {"", "{", "[1,]", "{\"a\"}", "nul", "1 2", "{} x", "'a'", "[01]", "NaN",
                            "\"\xff\"", "[1e]", "// c\n1", "{a:1}", "\"\n\""})
        CHECK_SAYS(parse_json(bad, "t"), "t: line 1");
    CHECK(parse_json("[{\"a\":1},{\"a\":1}]", "t").as_array().size() == 2);
    CHECK_SAYS(parse_json("[1e999]", "t"), "range of doubles, got 1e999");
    CHECK(parse_json("1e-999", "t").as_double() == 0);
    const std::string deep(64, '['), shut(64, ']');
    CHECK(parse_json(deep + shut, "t").is_array());
    CHECK_SAYS(parse_json("[" + deep + shut + "]", "t"), "deep");
    CHECK_SAYS(parse_json(std::string(200000, '['), "t"), "deep");
}
