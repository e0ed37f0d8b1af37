#include "pushforward/base/errors.hpp"
#include "pushforward/base/recipe_text.hpp"

#include <doctest/doctest.h>

using namespace pushforward;

namespace {

struct Small : Options {
    std::int64_t width = 4;
    void visit(Fields& f) override {
        f.integer("width", width, {.doc = "units of a layer", .low = 1, .high = 1000});
    }
};
struct Large : Options {
    Fields::Integers sizes = {1, 2};
    void visit(Fields& f) override {
        f.integers("sizes", sizes, {.doc = "units of each layer", .low = 1});
    }
};
enum class Colour { red, green };
struct Whole : Options {
    bool on = false;
    double rate = 0.1;
    std::string name = "a \"b\"\n";
    Colour colour = Colour::red;
    Fields::Numbers weights = {0.5, 1};
    Fields::Texts tags = {"x"};
    Small small;
    Variant net{{{"small", "a small one", [] { return std::make_unique<Small>(); }},
                 {"large", "a large one", [] { return std::make_unique<Large>(); }}}};
    void visit(Fields& f) override {
        f.flag("on", on, {.doc = "whether"});
        f.number("rate", rate, {.doc = "how fast", .unit = "1/s", .low = 0, .open_low = true});
        f.text("name", name, {.doc = "what it is called"});
        f.choice_of<Colour>("colour", colour, {{"red", Colour::red}, {"green", Colour::green}},
                            {.doc = "of the line"});
        f.numbers("weights", weights, {.doc = "of the parts"});
        f.texts("tags", tags, {.doc = "words"});
        f.group("small", small, {.doc = "the small part"});
        f.variant("net", net, {.doc = "the network"});
    }
};

std::vector<std::string> problems_of(const std::string& toml) {
    Whole w;
    std::vector<std::string> problems;
    read_options(w, parse_toml(toml, "r.toml"), problems);
    return problems;
}

}  // namespace

TEST_CASE("what is written reads back the same, with and without comments") {
    Whole a;
    a.on = true;
    a.rate = 1.0 / 3;
    a.colour = Colour::green;
    a.net.select("large");
    const_cast<Large*>(a.net.as<Large>())->sizes = {7, 8, 9};
    for (const bool comments : {false, true}) {
        Whole b;
        const std::string text = write_options(a, comments);
        read_options(b, parse_toml(text, "r.toml"));
        CHECK(b.rate == a.rate);
        CHECK(b.name == a.name);
        CHECK(b.colour == Colour::green);
        CHECK(b.net.as<Large>()->sizes == Fields::Integers{7, 8, 9});
        CHECK(write_options(b, comments) == text);
    }
    CHECK(write_options(a, true).find("# how fast [1/s]") != std::string::npos);
}

TEST_CASE("every problem is told at once, with its line and the nearest key") {
    const auto p = problems_of("on = 3\nrat = 2\nrate = -1\n[net]\nname = \"smal\"\n[smal]\n");
    REQUIRE(p.size() == 5);
    CHECK(p[0] == "r.toml:1: on: expected true or false, got an integer");
    CHECK(p[1] == "r.toml:3: rate: expected above 0, got -1.0");
    CHECK(p[2] == "r.toml:5: net.name: expected small or large, got \"smal\" (nearest: small)");
    CHECK(p[3] == "r.toml:2: rat: unknown key (nearest: rate)");
    CHECK(p[4] == "r.toml:6: smal: unknown key (nearest: small)");
}

TEST_CASE("types and ranges of every kind of field") {
    CHECK(problems_of("rate = 2").empty());
    CHECK(problems_of("rate = nan").size() == 1);
    CHECK(problems_of("rate = inf").size() == 1);
    CHECK(problems_of("weights = [1, 'a']").size() == 1);
    CHECK(problems_of("weights = 1").size() == 1);
    CHECK(problems_of("colour = 'blue'").size() == 1);
    CHECK(problems_of("small = 1").size() == 1);
    CHECK(problems_of("[small]\nwidth = 0").size() == 1);
    CHECK(problems_of("[small]\nwidth = 1.5").size() == 1);
    CHECK(problems_of("[net]\nname = 'large'\nwidth = 3").size() == 1);
    CHECK(problems_of("name = 5").size() == 1);
}

TEST_CASE("--set goes over the file, by type, and may hold text without quotes") {
    Node root = parse_toml("rate = 1.0\n[small]\nwidth = 2\n", "r.toml");
    set_value(root, "small.width=5");
    set_value(root, "name=../data/a=b");
    set_value(root, "net.name=large");
    set_value(root, "net.sizes=[3]");
    Whole w;
    read_options(w, root);
    CHECK(w.small.width == 5);
    CHECK(w.name == "../data/a=b");
    CHECK(w.net.as<Large>()->sizes == Fields::Integers{3});
    set_value(root, "name=7");  // a text field takes what was typed
    read_options(w, root);
    CHECK(w.name == "7");
    set_value(root, "small.widht=5");
    CHECK_THROWS_WITH_AS(read_options(w, root),
                         "--set small.widht: small.widht: unknown key (nearest: width)",
                         UsageError);
    CHECK_THROWS_AS(set_value(root, "rate"), UsageError);
}

TEST_CASE("TOML that does not parse names the line and column") {
    try {
        parse_toml("a = 1\nb = = 2\n", "r.toml");
        FAIL("parsed");
    } catch (const UsageError& e) {
        CHECK(std::string(e.what()).rfind("r.toml:2:", 0) == 0);
    }
}

TEST_CASE("values of a query set options; a wrong key names who and the nearest") {
    Small s;
    apply_text_values(s, {{"width", "9"}}, "sim:x");
    CHECK(s.width == 9);
    CHECK_THROWS_WITH_AS(apply_text_values(s, {{"widht", "9"}}, "sim:x"),
                         "sim:x: widht: unknown key (nearest: width)", UsageError);
}

TEST_CASE("the description lists every field, variants with all alternatives") {
    Whole w;
    std::string paths;
    for (const auto& d : describe_options(w)) paths += d.path + " ";
    CHECK(paths ==
          "on rate name colour weights tags small.width net.name net[small].width "
          "net[large].sizes ");
}
