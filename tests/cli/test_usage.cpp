#include "program.hpp"

#include <doctest/doctest.h>

namespace {
bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}
}  // namespace

TEST_CASE("help and version are answers, not errors") {
    const auto version = pushforward_program({"--version"});
    CHECK(version.status == 0);
    CHECK(has(version.out, "LibTorch 2."));
    for (const char* verb : {"train", "sample", "encode", "decode", "interpolate", "eval",
                             "recipes", "models", "info", "data", "audit", "bench", "doctor"}) {
        const auto help = pushforward_program({verb, "--help"});
        CHECK_MESSAGE(help.status == 0, verb);
        CHECK_MESSAGE(has(help.out, verb), verb);
    }
    CHECK(has(pushforward_program({"train", "--help"}).out, "--max-time"));
}

TEST_CASE("wrong usage is status 2 and names what was given") {
    CHECK(pushforward_program({}).status == 2);
    CHECK(pushforward_program({"trian"}).status == 2);
    const auto option = pushforward_program({"sample", "r", "-n", "1", "--bach", "2"});
    CHECK(option.status == 2);
    CHECK(has(option.err, "--bach"));
    CHECK(pushforward_program({"sample", "r", "-n", "0"}).status == 2);
    CHECK(pushforward_program({"models", "--precision", "float8"}).status == 2);
    CHECK(pushforward_program({"models", "--threads", "0"}).status == 2);
    const auto model = pushforward_program({"models", "emd"});
    CHECK(model.status == 2);
    CHECK(has(model.err, "nearest: edm"));
    CHECK(pushforward_program({"train", "ring", "--max-time", "10x"}).status == 2);
    CHECK(pushforward_program({"audit", "F99"}).status == 2);
}

TEST_CASE("a recipe's problems come all at once, with lines and nearest keys") {
    const ScratchFolder scratch;
    put(scratch / "r.toml",
        "[data]\nsource = \"sim:ring\"\n[train]\nsteps = 5\n"
        "learning_rate = -1.0\nbatchh = 3\n[modle]\n");
    const auto r = pushforward_program({"train", "r.toml"}, scratch.path());
    CHECK(r.status == 2);
    CHECK(has(r.err, "r.toml:5: train.learning_rate: expected above 0, got -1"));
    CHECK(has(r.err, "r.toml:6: train.batchh: unknown key (nearest: batch)"));
    CHECK(has(r.err, "r.toml:7: modle: unknown key (nearest: model)"));
    CHECK_FALSE(std::filesystem::exists(scratch / "runs"));

    const auto name = pushforward_program({"train", "glyhps"}, scratch.path());
    CHECK(name.status == 2);
    CHECK(has(name.err, "nearest: glyphs"));
    const auto set = pushforward_program({"train", "ring", "--set", "train.step=1"});
    CHECK(set.status == 2);
    CHECK(has(set.err, "--set train.step"));
    CHECK(has(set.err, "nearest: steps"));
    const auto sim = pushforward_program({"train", "ring", "--set", "data.source=sim:rign"});
    CHECK(sim.status == 2);
    CHECK(has(sim.err, "ring"));
}

TEST_CASE("the lists begin with names, and JSON is one object on the last line") {
    const std::string list = pushforward_program({"recipes", "list"}).out;
    CHECK(has("\n" + list, "\ncifar-diffusion "));
    CHECK(has(list, "et al. 2017)"));  // not cut at that full stop
    const std::string models = pushforward_program({"models"}).out;
    CHECK(has(models, "\nedm "));
    CHECK(has(models, "sample, score, denoise, encode"));
    CHECK(has(pushforward_program({"models", "edm"}).out, "encode (noise)"));
    CHECK(has(pushforward_program({"models", "edm"}).out, "network[mlp].width"));
    CHECK(has(pushforward_program({"data", "list"}).out, "sim:glyphs"));
    const auto json = pushforward_program({"models", "--json"});
    CHECK(json.out.rfind("{\"models\":", 0) == 0);
    CHECK(has(pushforward_program({"recipes", "show", "ring"}).out, "[model]"));
    CHECK(pushforward_program({"recipes", "check", "ring"}).status == 0);
    CHECK(pushforward_program({"recipes", "show", "rign"}).status == 2);
}
