// Anomalies by likelihood, and the picture of a density, through the program.
#include "program.hpp"

#include <doctest/doctest.h>

#include <cmath>

namespace {

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// 400 points of a small circle; every eighth lies far from it and is called 1.
std::string table() {
    std::string lines = "x,y,kind\n";
    for (int i = 0; i < 400; ++i) {
        const double r = i % 8 == 0 ? 5 + 0.01 * i : 1 + 0.1 * std::sin(7.0 * i);
        lines += std::to_string(r * std::cos(i)) + "," + std::to_string(r * std::sin(i)) +
                 (i % 8 == 0 ? ",1\n" : ",0\n");
    }
    return lines;
}

std::string recipe(const std::string& source) {
    return "[data]\nsource = \"" + source +
           "\"\nconditional = false\n[model]\nname = \"mixture\"\n[train]\nsteps = 20\nseed = 1\n"
           "threads = 1\nbatch = 64\nlearning_rate = 0.01\n";
}

}  // namespace

TEST_CASE("eval says how well a density tells anomalies, whose labels the model never sees") {
    const ScratchFolder scratch;
    const auto run = [&](const std::vector<std::string>& arguments) {
        return pushforward_program(arguments, scratch.path());
    };
    put(scratch / "t.csv", table());
    put(scratch / "all.toml", recipe("t.csv?label=kind"));
    put(scratch / "normal.toml", recipe("t.csv?label=kind&split=train&only=0"));
    for (const std::string name : {"all", "normal"}) {
        const auto trained = run({"train", name + ".toml", "--out", name});
        REQUIRE_MESSAGE(trained.status == 0, trained.err);
        const auto held_out = run({"eval", name, "--metrics", "auroc", "--json"});
        REQUIRE_MESSAGE(held_out.status == 0, held_out.err);
        CHECK(has(held_out.out, "\"n\":40,"));
        CHECK(has(held_out.out, "\"higher_is_better\":true"));
    }
    const auto data = run({"eval", "normal", "--data", "t.csv?label=kind", "--metrics", "auroc",
                           "-n", "1000", "--json"});
    REQUIRE_MESSAGE(data.status == 0, data.err);
    const auto at = data.out.find("\"auroc\":{\"value\":");
    REQUIRE(at != std::string::npos);
    CHECK(std::stod(data.out.substr(at + 17)) > 0.99);
    CHECK(has(data.out, "\"n\":400,"));
    CHECK_FALSE(has(run({"eval", "all", "--json"}).out, "auroc"));  // unless it is named

    const auto unlabelled = run({"eval", "all", "--data", "t.csv?drop=kind", "--metrics", "auroc"});
    CHECK(unlabelled.status == 2);
    CHECK(has(unlabelled.err, "auroc: the held-out rows have no 'label' (SPEC?label=NAME"));
    put(scratch / "named.csv", "x,y,kind\n0,1,fine\n1,0,odd\n1,1,odd\n0,0,fine\n");
    const auto named = run({"eval", "all", "--data", "named.csv?label=kind", "--metrics", "auroc"});
    CHECK(named.status == 2);
    CHECK(has(named.err, "expected the labels 0 (normal) and 1 (anomalous), got fine or odd"));
    const auto told = run({"train", "all.toml", "--set", "data.conditional=true", "--out", "told"});
    REQUIRE_MESSAGE(told.status == 0, told.err);
    const auto refused = run({"eval", "told", "--metrics", "auroc"});
    CHECK(refused.status == 2);
    CHECK(has(refused.err, "auroc: this model is told the label of a row"));
}

TEST_CASE("a training on points of the plane leaves a picture of its density") {
    const ScratchFolder scratch;
    const auto run = [&](const std::vector<std::string>& arguments) {
        return pushforward_program(arguments, scratch.path());
    };
    put(scratch / "moons.toml", recipe("sim:moons?n=500"));
    REQUIRE(run({"train", "moons.toml", "--out", "moons"}).status == 0);
    CHECK(contents(scratch / "moons/density.png").substr(1, 3) == "PNG");
    CHECK(has(contents(scratch / "moons/report.html"), ">Density<"));
    // one that is only estimated is not drawn, and what an earlier training drew is taken away
    put(scratch / "edm.toml", tiny_recipe());
    REQUIRE(run({"train", "edm.toml", "--out", "moons", "--overwrite"}).status == 0);
    CHECK_FALSE(std::filesystem::exists(scratch / "moons/density.png"));
    CHECK_FALSE(has(contents(scratch / "moons/report.html"), ">Density<"));
}
