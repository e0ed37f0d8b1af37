// A classifier as a judge and as a guide, through the program.
#include "program.hpp"

#include <doctest/doctest.h>

namespace {

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// A tiny classifier of the four modes of a ring, and denoisers of the same rows.
std::string recipe(const std::string& model,
                   const std::string& source = "sim:ring?n=2000&modes=4&labels=true",
                   const std::string& more = "") {
    return "[data]\nsource = \"" + source + "\"\n" + more + "[model]\nname = \"" + model +
           "\"\n[model.network]\nname = \"mlp\"\nwidth = 16\nlayers = 2\n[train]\nsteps = 150\n"
           "batch = 64\nseed = 1\nthreads = 1\nlearning_rate = 0.01\nsample_every = 10\n[eval]\n"
           "n = 200\n";
}

struct Runs {
    ScratchFolder scratch;
    Outcome judge;
    Runs() {
        put(scratch / "judge.toml", recipe("classifier"));
        put(scratch / "model.toml", recipe("edm"));
        judge = (*this)({"train", "judge.toml", "--out", "judge"});
        CHECK((*this)({"train", "model.toml", "--out", "model"}).status == 0);
    }
    Outcome operator()(const std::vector<std::string>& arguments) const {
        return pushforward_program(arguments, scratch.path());
    }
    double figure(const std::string& out, const std::string& name) const {
        const auto at = out.find("\"" + name + "\":{\"value\":");
        REQUIRE_MESSAGE(at != std::string::npos, name);
        return std::stod(out.substr(at + name.size() + 12));
    }
    void refused(const std::vector<std::string>& arguments, int status,
                 const std::string& message) {
        const auto r = (*this)(arguments);
        CHECK(r.status == status);
        CHECK_MESSAGE(has(r.err, message), r.err);
    }
};

}  // namespace

TEST_CASE("a classifier trains, says how often it is right, and draws nothing") {
    Runs t;
    REQUIRE_MESSAGE(t.judge.status == 0, t.judge.err);
    CHECK(has(t.judge.out, "pushforward eval judge"));
    CHECK_FALSE(std::filesystem::exists(t.scratch / "judge/samples"));
    CHECK(has(contents(t.scratch / "judge/metrics.jsonl"), "\"accuracy\""));
    const auto eval = t({"eval", "judge", "--json"});
    REQUIRE_MESSAGE(eval.status == 0, eval.err);
    CHECK(t.figure(eval.out, "accuracy") > 0.9);
    CHECK_FALSE(has(eval.out, "c2st"));
    CHECK(has(t({"info", "judge"}).out, "can         classify (judge, guide)\n"));
    t.refused({"sample", "judge", "-n", "2"}, 2, "classifier draws no samples");
    t.refused({"score", "judge", "--data", "sim:ring?n=9"}, 2, "classifier has no density");
    t.refused({"eval", "judge", "--metrics", "c2st"}, 2, "c2st: it needs samples");
    t.refused({"train", "judge.toml", "--set", "data.source=sim:ring"}, 2,
              "these data have no classes");
    t.refused({"train", "judge.toml", "--set", "data.conditional=false"}, 2,
              "these data have no classes");
    t.refused({"train", "judge.toml", "--set", "objective.shift=2"}, 2,
              "shift and flip vary images");
    CHECK(t({"train", "judge.toml", "--dry-run"}).status == 0);
    const auto models = t({"models", "classifier"});
    CHECK(has(models.out, "can classify (judge, guide)"));
    CHECK_FALSE(has(models.out, "[sample]"));
    CHECK(has(t({"models"}).out, "sample, score, denoise, encode\n"));
    CHECK(has(t({"models"}).out, " classify\n"));
}

TEST_CASE("eval --judge compares what the judge sees") {
    Runs t;
    const auto run = t({"eval", "model", "--judge", "judge", "--json", "--metrics",
                        "label_accuracy,frechet,precision,recall,density,coverage"});
    REQUIRE_MESSAGE(run.status == 0, run.err);
    CHECK(has(run.out, "\"judge\":\"judge\""));
    CHECK(has(run.out, "\"squared feature units\""));
    CHECK(t.figure(run.out, "label_accuracy") > 0.3);
    // any two sets: labels that fit their rows, then one label for all
    CHECK(t({"sample", "model", "-n", "80", "--condition", "label=1", "--out", "one.npz"}).status ==
          0);
    const auto sets =
        t({"eval", "--samples", "sim:ring?n=300&modes=4&labels=true&seed=7", "--data",
           "sim:ring?n=300&modes=4&labels=true&seed=8", "--judge", "judge", "--json"});
    REQUIRE_MESSAGE(sets.status == 0, sets.err);
    CHECK(t.figure(sets.out, "label_accuracy") > 0.9);
    CHECK(t.figure(sets.out, "precision") > 0.8);
    CHECK(t({"eval", "--samples", "one.npz?label=label", "--data", "sim:ring?n=300&modes=4",
             "--judge", "judge", "--metrics", "label_accuracy"})
              .status == 0);

    t.refused({"eval", "model", "--judge", "model"}, 2, "--judge model: edm tells no classes");
    t.refused({"eval", "model", "--judge", "nothing"}, 3, "nothing");
    t.refused({"eval", "model", "--metrics", "label_accuracy"}, 2,
              "it needs a judge (--judge RUN)");
    t.refused(
        {"eval", "--samples", "sim:mixture?n=99", "--data", "sim:mixture?n=99", "--judge", "judge"},
        2, "--judge judge: expected a judge of items of [1], got one of [2]");
    t.refused({"eval", "--samples", "sim:ring?n=99", "--data", "sim:ring?n=99", "--judge", "judge",
               "--metrics", "label_accuracy"},
              2, "the samples have no 'label'");
}

TEST_CASE("sample --guide steers by a classifier or by a weaker model") {
    Runs t;
    const auto csv = [&](std::vector<std::string> more) {
        std::vector<std::string> a{"sample", "model", "-n",          "40",      "--seed", "3",
                                   "--out",  "s.csv", "--condition", "label=2", "--json"};
        a.insert(a.end(), more.begin(), more.end());
        const auto r = t(a);
        CHECK_MESSAGE(r.status == 0, r.err);
        return r.out.substr(r.out.find("\"evaluations\"")) + contents(t.scratch / "s.csv");
    };
    const auto plain = csv({});
    CHECK(has(plain, "\"evaluations\":35"));  // 18 of Heun's steps
    const auto guided = csv({"--guide", "judge"});
    CHECK(has(guided, "\"evaluations\":70"));
    CHECK(csv({"--guide", "judge", "--set", "sample.guidance=3"}) != guided);
    const auto limited = csv({"--set", "sample.guidance=3", "--set", "sample.guidance_high=1"});
    CHECK_FALSE(has(limited, "\"evaluations\":35"));
    CHECK_FALSE(has(limited, "\"evaluations\":70"));

    // an unconditional model learns the label from its guide
    put(t.scratch / "free.toml",
        recipe("edm", "sim:ring?n=2000&modes=4&labels=true", "conditional = false\n"));
    CHECK(t({"train", "free.toml", "--out", "free"}).status == 0);
    CHECK(t({"sample", "free", "-n", "9", "--guide", "judge", "--condition", "label=2"}).status ==
          0);
    t.refused({"sample", "free", "-n", "9", "--condition", "label=2"}, 2,
              "this model has no conditions");
    const auto weak = csv({"--guide", "free", "--set", "sample.guidance=2"});
    CHECK(has(weak, "\"evaluations\":70"));

    t.refused({"sample", "model", "-n", "9", "--guide", "nothing"}, 3, "nothing");
    t.refused({"sample", "model", "-n", "9", "--guide", "judge"}, 2,
              "guide: a classifier guides to a class, and none is asked for (label=...)");
    put(t.scratch / "line.toml", recipe("classifier", "sim:mixture?n=500&labels=true"));
    CHECK(t({"train", "line.toml", "--out", "line"}).status == 0);
    t.refused({"sample", "model", "-n", "9", "--guide", "line", "--condition", "label=0"}, 2,
              "--guide line: expected items of [2], got [1]");
    put(t.scratch / "other.toml",
        recipe("classifier", "sim:ring?n=500&modes=4&labels=true&radius=4"));
    CHECK(t({"train", "other.toml", "--out", "other"}).status == 0);
    t.refused({"sample", "model", "-n", "9", "--guide", "other", "--condition", "label=0"}, 2,
              "--guide other: its data are scaled otherwise than the model's");
    t.refused({"sample", "judge", "-n", "9", "--guide", "model"}, 2, "classifier draws no samples");
    t.refused({"sample", "model", "-n", "9", "--set", "sample.guidance_low=2", "--set",
               "sample.guidance_high=1"},
              2, "sample.guidance_low: expected less than guidance_high, 1, got 2");
}
