// Text through the program: trained, judged, drawn, scored, and coded bit for bit.
#include "program.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace {

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// Sentences of a few words, in an order that repeats only after thousands of symbols.
std::string story(int from, int sentences) {
    const char* who[] = {"the cat", "a dog", "my aunt", "the old king", "nobody"};
    const char* does[] = {"sees", "likes", "has lost", "sells"};
    const char* what[] = {"a hat", "the sea", "two crowns", "bread"};
    std::string text;
    for (int i = from; i < from + sentences; ++i)
        text += std::string(who[i * 3 % 5]) + " " + does[i * 7 % 11 % 4] + " " +
                what[i * i * i % 13 % 4] + ".\n";
    return text;
}

const std::string recipe =
    "[data]\nsource = \"story.txt\"\nwindow = 32\n[model]\nname = \"gpt\"\nlayers = 1\nheads = 2\n"
    "width = 32\ncontext = 32\n[train]\nsteps = 150\nbatch = 16\nseed = 1\nthreads = 1\n"
    "learning_rate = 0.01\nschedule = \"cosine\"\nprecision = \"float32\"\n";

double number_after(const std::string& text, const std::string& key) {
    const auto at = text.find(key);
    REQUIRE_MESSAGE(at != std::string::npos, text);
    return std::stod(text.substr(at + key.size()));
}

}  // namespace

TEST_CASE("text is trained on, judged, drawn and coded") {
    const ScratchFolder scratch;
    const auto run = [&](const std::vector<std::string>& arguments) {
        return pushforward_program(arguments, scratch.path());
    };
    put(scratch / "story.txt", story(0, 400));
    put(scratch / "text.toml", recipe);
    const auto trained = run({"train", "text.toml", "--out", "run"});
    REQUIRE_MESSAGE(trained.status == 0, trained.err);

    // nats a symbol of the whole held-out part, the same figure by eval and by score
    const auto judged = run({"eval", "run", "--json"});
    REQUIRE_MESSAGE(judged.status == 0, judged.err);
    const double nats = number_after(judged.out, "\"cross_entropy\":{\"value\":");
    CHECK(nats < 1.2);  // 3.2 for symbols of equal probability
    CHECK(number_after(judged.out, "\"cross_entropy/bits_per_byte\":{\"value\":") ==
          doctest::Approx(nats / std::log(2.0)).epsilon(1e-6));
    const auto scored = run({"score", "run", "--data", "story.txt?split=validation", "--per-symbol",
                             "--out", "s.csv", "--json"});
    REQUIRE_MESSAGE(scored.status == 0, scored.err);
    CHECK(number_after(scored.out, "\"nats_per_symbol\":") == doctest::Approx(nats).epsilon(1e-5));
    const std::string lines = contents(scratch / "s.csv");
    CHECK(has(lines, "index,position,symbol,log_prob,kind\n0,0,"));
    const double symbols = number_after(scored.out, "\"symbols\":");
    CHECK(static_cast<double>(std::count(lines.begin(), lines.end(), '\n')) == symbols + 1);

    // drawn: to the terminal, the same to a file, from a prompt, until a stop
    const auto spoken =
        run({"sample", "run", "-n", "1", "--seed", "3", "--prompt", "my aunt", "--length", "40"});
    REQUIRE_MESSAGE(spoken.status == 0, spoken.err);
    CHECK(spoken.out.size() == 7 + 40 + 1);
    CHECK(spoken.out.rfind("my aunt", 0) == 0);
    const auto written = run({"sample", "run", "-n", "1", "--seed", "3", "--prompt", "my aunt",
                              "--length", "40", "--out", "one.txt"});
    REQUIRE_MESSAGE(written.status == 0, written.err);
    CHECK(contents(scratch / "one.txt") + "\n" == spoken.out);
    REQUIRE(run({"sample", "run", "-n", "3", "--seed", "3", "--stop", ".", "--out", "three.jsonl"})
                .status == 0);
    const std::string three = contents(scratch / "three.jsonl");
    CHECK(std::count(three.begin(), three.end(), '\n') == 3);
    CHECK(has(three, ".\"}\n"));
    CHECK(std::count(three.begin(), three.end(), '.') <= 3);

    // coded by one thread, decoded by two with shorter vectors; what the model has never seen, too
    const std::string strange = story(1000, 30) + "\xc3\xa9\x01!" + story(7, 3);
    put(scratch / "in.txt", strange);
    const auto coded = run({"compress", "run", "--in", "in.txt", "--out", "c", "--threads", "1"});
    REQUIRE_MESSAGE(coded.status == 0, coded.err);
    CHECK(contents(scratch / "c").size() < strange.size() / 2);
    setenv("ATEN_CPU_CAPABILITY", "avx2", 1);
    setenv("ONEDNN_MAX_CPU_ISA", "AVX2", 1);
    const auto decoded = run({"decompress", "run", "--in", "c", "--out", "out", "--threads", "2"});
    unsetenv("ATEN_CPU_CAPABILITY");
    unsetenv("ONEDNN_MAX_CPU_ISA");
    REQUIRE_MESSAGE(decoded.status == 0, decoded.err);
    CHECK(contents(scratch / "out") == strange);
}

TEST_CASE("a coded file costs what the model says, and refuses what it is not") {
    const ScratchFolder scratch;
    const auto run = [&](const std::vector<std::string>& arguments) {
        return pushforward_program(arguments, scratch.path());
    };
    put(scratch / "story.txt", story(0, 400));
    put(scratch / "text.toml", recipe);
    put(scratch / "tiny.toml", tiny_recipe());
    for (const std::string seed : {"1", "2"})
        REQUIRE(run({"train", "text.toml", "--out", "run" + seed, "--seed", seed, "--set",
                     "train.steps=20"})
                    .status == 0);
    REQUIRE(run({"train", "tiny.toml", "--out", "points"}).status == 0);
    put(scratch / "in.txt", story(500, 60));
    const auto scored = run({"score", "run1", "--data", "in.txt", "--json"});
    REQUIRE_MESSAGE(scored.status == 0, scored.err);
    REQUIRE(run({"compress", "run1", "--in", "in.txt", "--out", "c"}).status == 0);
    const std::string file = contents(scratch / "c");
    const double nats = -number_after(scored.out, "\"mean\":");
    CHECK(static_cast<double>(file.size()) <= nats / (8 * std::log(2.0)) * 1.001 + 64);

    struct Bad {
        std::string file, message;
    };
    std::string flipped = file;
    flipped[file.size() / 2] = static_cast<char>(flipped[file.size() / 2] ^ 8);
    for (const Bad& bad : {Bad{file.substr(0, file.size() / 2), "the file is cut short"},
                           Bad{flipped, "damaged"}, Bad{"", "expected"}, Bad{"text", "expected"}}) {
        put(scratch / "bad", bad.file);
        const auto refused = run({"decompress", "run1", "--in", "bad", "--out", "x"});
        CHECK(refused.status == 3);
        CHECK_MESSAGE(has(refused.err, bad.message), refused.err);
        CHECK_FALSE(std::filesystem::exists(scratch / "x"));
    }
    const auto other = run({"decompress", "run2", "--in", "c", "--out", "x"});
    CHECK(other.status == 3);
    CHECK(has(other.err, "expected a file of the model"));
    const auto points = run({"compress", "points", "--in", "in.txt", "--out", "x"});
    CHECK(points.status == 2);
    CHECK(has(points.err, "says no text symbol by symbol; models that do: char_lstm or gpt"));
    const auto wide =
        run({"compress", "run1", "--in", "in.txt", "--out", "x", "--precision", "bfloat16"});
    CHECK(wide.status == 2);
    CHECK(has(wide.err, "--precision: expected float32"));
    for (const std::string option : {"--prompt", "--stop"}) {
        const auto spoken = run({"sample", "points", "-n", "1", option, "a"});
        CHECK(spoken.status == 2);
        CHECK(has(spoken.err, "draws no text; models that do: char_lstm or gpt"));
    }
    const auto unknown = run({"sample", "run1", "-n", "1", "--prompt", "my Zoo"});
    CHECK(unknown.status == 2);
    CHECK(has(unknown.err, "--prompt: byte 3 is of no symbol that the model knows: 'Zoo'"));
    const auto picture = run({"sample", "run1", "-n", "1", "--out", "x.png"});
    CHECK(picture.status == 2);
    CHECK(has(picture.err, "expected an extension .txt, .smi, .fasta, .jsonl, .npz or .npy"));
    const auto symbols = run({"score", "points", "--data", "sim:ring?n=5", "--per-symbol"});
    CHECK(symbols.status == 2);
    CHECK(has(symbols.err, "does not say one symbol after another"));
}
