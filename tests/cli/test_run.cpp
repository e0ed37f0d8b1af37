#include "program.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <fstream>

#include <sys/mount.h>
#include <unistd.h>

namespace {

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// A finished tiny run `run` in a scratch folder.
struct Trained {
    ScratchFolder scratch;
    explicit Trained(const std::string& train = "steps = 20") {
        put(scratch / "tiny.toml", tiny_recipe(train));
        first =
            pushforward_program({"train", "tiny.toml", "--out", "run", "--json"}, scratch.path());
    }
    Outcome operator()(const std::vector<std::string>& arguments) const {
        return pushforward_program(arguments, scratch.path());
    }
    Outcome first;
};

}  // namespace

TEST_CASE("train leaves the contract's run folder, and sample, eval and info use it") {
    const Trained t;
    REQUIRE_MESSAGE(t.first.status == 0, t.first.err);
    for (const char* key : {"\"run\":", "\"steps\":20", "\"seconds\":", "\"samples_per_second\":",
                            "\"final\":", "\"parameters\":", "\"peak_memory_bytes\":"})
        CHECK_MESSAGE(has(t.first.out, key), key);
    for (const char* file : {"recipe.toml", "model.safetensors", "data.json", "metrics.jsonl",
                             "report.html", "checkpoints", "samples"})
        CHECK_MESSAGE(std::filesystem::exists(t.scratch / "run" / file), file);

    for (const char* out : {"s.npz", "s.h5", "s.npy", "s.csv", "s.png"}) {
        const auto s = t({"sample", "run", "-n", "10", "--seed", "3", "--out", out});
        CHECK_MESSAGE(s.status == 0, s.err);
        CHECK(std::filesystem::file_size(t.scratch / out) > 50);
    }
    const auto eval = t({"eval", "run", "--json", "--seed", "1"});
    CHECK_MESSAGE(eval.status == 0, eval.err);
    for (const char* metric : {"\"validation_loss\"", "sliced", "c2st"})
        CHECK_MESSAGE(has(eval.out, metric), metric);
    const auto info = t({"info", "run"});
    CHECK(info.status == 0);
    CHECK(has(info.out, "edm"));

    const auto again = t({"train", "tiny.toml", "--out", "run"});
    CHECK(again.status == 2);
    CHECK(has(again.err, "run"));
    const auto weights = contents(t.scratch / "run/model.safetensors");
    CHECK(t({"train", "tiny.toml", "--out", "run", "--resume"}).status == 0);
    CHECK(contents(t.scratch / "run/model.safetensors") == weights);
    CHECK(t({"train", "run/recipe.toml", "--out", "same"}).status == 0);
    CHECK(contents(t.scratch / "same/model.safetensors") == weights);
    CHECK(t({"train", "tiny.toml", "--out", "run", "--resume", "--set", "train.batch=32"}).status ==
          2);
    CHECK(t({"train", "tiny.toml", "--out", "run", "--overwrite"}).status == 0);
}

TEST_CASE("sample i depends on the seed and i alone, and every sample option is heard") {
    const Trained t;
    auto csv = [&](std::vector<std::string> more) {
        std::vector<std::string> a{"sample", "run",   "-n",          "6",
                                   "--out",  "s.csv", "--precision", "float32"};
        a.insert(a.end(), more.begin(), more.end());
        const auto s = t(a);
        CHECK_MESSAGE(s.status == 0, s.err);
        return contents(t.scratch / "s.csv");
    };
    const auto base = csv({"--seed", "5"});
    CHECK(csv({"--seed", "5"}) == base);
    CHECK(csv({"--seed", "6"}) != base);
    for (const char* set : {"sample.steps=5", "sample.sampler=euler", "sample.temperature=0.5",
                            "sample.grid=log_snr", "sample.rho=3"})
        CHECK_MESSAGE(csv({"--seed", "5", "--set", set}) != base, set);
    CHECK(t({"sample", "run", "-n", "1", "--set", "model.sigma_max=3"}).status == 2);
    CHECK(t({"sample", "run", "-n", "1", "--condition", "label=1"}).status == 2);
    CHECK(t({"sample", "run", "-n", "1", "--out", "s.jpeg"}).status == 2);
    CHECK(t({"sample", "run", "-n", "1", "--with-density"}).status == 2);
}

TEST_CASE("score writes a log-density an item and says of which kind") {
    const Trained t;
    const auto ode = t({"score", "run", "--data", "sim:ring?n=40", "--out", "s.csv", "--json"});
    REQUIRE_MESSAGE(ode.status == 0, ode.err);
    for (const char* part : {"\"n\":40", "\"kind\":\"estimate\"", "\"estimator\":\"ode\"",
                             "\"unit\":\"nats\"", "\"mean\":", "\"stderr\":"})
        CHECK_MESSAGE(has(ode.out, part), part);
    const auto lines = contents(t.scratch / "s.csv");
    CHECK(lines.rfind("index,log_prob,kind\n0,", 0) == 0);
    CHECK(std::count(lines.begin(), lines.end(), '\n') == 41);
    CHECK(has(lines, ",estimate\n"));
    const auto bound = t({"score", "run", "--data", "sim:ring?n=40", "--estimator", "bound"});
    CHECK(has(bound.out, "log p >= "));
    CHECK(has(bound.out, "lower_bound"));
    const auto wrong = t({"score", "run", "--data", "sim:ring?n=40", "--estimator", "bond"});
    CHECK(wrong.status == 2);
    CHECK(has(wrong.err, "bound"));
    CHECK(t({"score", "run", "--data", "sim:glyphs?n=4"}).status == 2);
    CHECK(t({"score", "run", "--data", "nothing.csv"}).status == 3);
    CHECK(t({"score", "run"}).status == 2);
}

TEST_CASE("score of 8-bit pictures says how they were dequantised") {
    const ScratchFolder scratch;
    const auto run = [&](const std::vector<std::string>& arguments) {
        const auto outcome = pushforward_program(arguments, scratch.path());
        CHECK_MESSAGE(outcome.status == 0, outcome.err);
        return outcome.out;
    };
    run({"data", "make", "sim:glyphs?n=12", "--out", "pictures/"});
    CHECK(has(run({"data", "inspect", "pictures"}), "[1, 28, 28]"));  // no frame around them
    put(scratch / "tiny.toml",
        "[data]\nsource = \"pictures\"\n[model]\nname = \"ddpm\"\nsteps = 50\n[model.network]\n"
        "name = \"unet\"\nchannels = 8\nmultipliers = [1, 1]\nblocks = 1\nattention = []\n"
        "groups = 2\n[train]\nsteps = 2\nbatch = 4\nsample_every = 0\n");
    run({"train", "tiny.toml", "--out", "run"});
    const auto out = run({"score", "run", "--data", "pictures", "--estimator", "bound", "--json"});
    CHECK(has(out, "\"dequantization\":\"uniform\""));
    const auto number = [&](const std::string& key) {
        const auto at = out.find("\"" + key + "\":");
        REQUIRE(at != std::string::npos);
        return std::stod(out.substr(at + key.size() + 3));
    };
    const double bits = number("bits_per_dim");
    CHECK(std::abs(bits + number("mean") / (784 * std::log(2.0))) < 1e-6 * std::abs(bits));
    // Values that are not levels of 8 bits have a density, and no bits.
    run({"sample", "run", "-n", "4", "--out", "real.npy"});
    const auto real = run({"score", "run", "--data", "real.npy", "--estimator", "bound", "--json"});
    CHECK_FALSE(has(real, "dequantization"));
    CHECK_FALSE(has(real, "bits_per_dim"));
}

TEST_CASE("damaged and missing files are status 3 and named") {
    const Trained t;
    CHECK(t({"sample", "nothing", "-n", "1"}).status == 3);
    const auto file = t.scratch / "run/model.safetensors";
    const auto good = contents(file);
    put(file, good.substr(0, good.size() - 100));
    const auto cut = t({"sample", "run", "-n", "1"});
    CHECK(cut.status == 3);
    CHECK(has(cut.err, "model.safetensors"));
    put(file, good);
    put(t.scratch / "run/data.json", "{\"source\": 3}");
    CHECK(t({"sample", "run", "-n", "1"}).status == 3);

    put(t.scratch / "ragged.csv", "a,b\n1,2\n3,4\n5\n");
    const auto ragged = t({"train", "tiny.toml", "--out", "r2", "--set", "data.source=ragged.csv"});
    CHECK(ragged.status == 3);
    CHECK(has(ragged.err, "ragged.csv"));
    CHECK(has(ragged.err, "4"));
    CHECK_FALSE(std::filesystem::exists(t.scratch / "r2"));
    put(t.scratch / "words.csv", "a,b\n1,2\n3,four\n5,6\n");
    CHECK(t({"data", "inspect", "words.csv"}).status == 0);
    CHECK(has(t({"data", "inspect", "words.csv"}).out, "four"));
    CHECK(t({"train", "tiny.toml", "--out", "r2", "--set", "data.source=words.csv"}).status == 3);
    put(t.scratch / "nan.csv", "a,b\n1,2\n3,nan\n5,6\n");
    CHECK(t({"data", "inspect", "nan.csv"}).status == 0);
    CHECK(t({"train", "tiny.toml", "--out", "r2", "--set", "data.source=nan.csv"}).status == 3);
    CHECK(t({"data", "inspect", "absent.csv"}).status == 3);
}

TEST_CASE("a damaged newest checkpoint is passed over with a warning") {
    const Trained t;
    const auto weights = contents(t.scratch / "run/model.safetensors");
    std::filesystem::path newest;
    for (const auto& e : std::filesystem::directory_iterator(t.scratch / "run/checkpoints"))
        if (has(e.path().string(), "20")) newest = e.path() / "weights.safetensors";
    REQUIRE(std::filesystem::exists(newest));
    auto bytes = contents(newest);
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    put(newest, bytes);
    const auto r = t({"train", "tiny.toml", "--out", "run", "--resume"});
    CHECK_MESSAGE(r.status == 0, r.err);
    CHECK(has(r.err, "weights.safetensors"));
    CHECK(contents(t.scratch / "run/model.safetensors") == weights);
}

TEST_CASE("divergence is status 4 and names the last good checkpoint") {
    const Trained t("steps = 200\nlearning_rate = 1e30\nclip = 0.0");
    CHECK(t.first.status == 4);
    CHECK(has(t.first.err, "checkpoint"));
}

TEST_CASE("storage: an impossible folder and a full disk are status 5") {
    const Trained t;
    put(t.scratch / "file", "");
    const auto parent = t({"train", "tiny.toml", "--out", "file/run"});
    CHECK(parent.status == 5);
    CHECK(has(parent.err, "file"));
    CHECK(t({"sample", "run", "-n", "2", "--out", "absent/s.csv"}).status == 5);

    const auto disk = t.scratch / "disk";
    std::filesystem::create_directory(disk);
    if (geteuid() != 0 || mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=64k") != 0) {
        MESSAGE("skipped: a full disk needs the right to mount a small tmpfs");
        return;
    }
    put(disk / "s.csv", "old");
    const auto full = t({"sample", "run", "-n", "20000", "--out", "disk/s.csv"});
    CHECK(full.status == 5);
    CHECK(has(full.err, "s.csv"));
    CHECK(contents(disk / "s.csv") == "old");
    CHECK(t({"train", "tiny.toml", "--out", "disk/run"}).status == 5);
    umount(disk.c_str());
}

TEST_CASE("SIGINT and SIGTERM leave a checkpoint and say how to go on") {
    for (const int signal : {SIGINT, SIGTERM}) {
        const ScratchFolder scratch;
        put(scratch / "long.toml", tiny_recipe("steps = 1000000"));
        const auto r =
            pushforward_program({"train", "long.toml", "--out", "run"}, scratch.path(), 3, signal);
        CHECK(r.status == 128 + signal);
        CHECK(has(r.err, "--resume"));
        CHECK_FALSE(std::filesystem::is_empty(scratch / "run/checkpoints"));
    }
}

TEST_CASE("kill -9 at random moments, then --resume: the same bits, and no unreadable checkpoint") {
    const std::string train = "steps = 2000\nlog_every = 100";
    const Trained whole(train);
    REQUIRE_MESSAGE(whole.first.status == 0, whole.first.err);
    const ScratchFolder scratch;
    put(scratch / "tiny.toml", tiny_recipe(train));
    const std::vector<std::string> go{"train", "tiny.toml", "--out", "run", "--resume"};
    for (int i = 0; i < 10; ++i) {
        // Starting takes about half a second; most of these land in the middle of training.
        const double after = 0.45 + 0.083 * ((i * 7) % 10);
        const auto killed = pushforward_program(go, scratch.path(), after, SIGKILL);
        CHECK((killed.status == 1000 + SIGKILL || killed.status == 0));
        CHECK(killed.err.find("damaged") == std::string::npos);
    }
    const auto last = pushforward_program(go, scratch.path());
    REQUIRE_MESSAGE(last.status == 0, last.err);
    CHECK(contents(scratch / "run/model.safetensors") ==
          contents(whole.scratch / "run/model.safetensors"));
}
