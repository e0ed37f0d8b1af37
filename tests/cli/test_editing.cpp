// encode, decode, interpolate, and samples that begin from given items.
#include "program.hpp"
#include "pushforward/base/npy.hpp"
#include "pushforward/base/npz.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

using namespace pushforward;

namespace {

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// A tiny run in a scratch folder.
struct Run {
    ScratchFolder scratch;
    explicit Run(const std::string& recipe) {
        put(scratch / "tiny.toml", recipe);
        const auto made = (*this)({"train", "tiny.toml", "--out", "run"});
        REQUIRE_MESSAGE(made.status == 0, made.err);
    }
    Outcome operator()(const std::vector<std::string>& arguments) const {
        return pushforward_program(arguments, scratch.path());
    }
    /// The JSON of a verb that ends well.
    std::string good(std::vector<std::string> arguments) const {
        arguments.push_back("--json");
        const auto outcome = (*this)(arguments);
        CHECK_MESSAGE(outcome.status == 0, outcome.err);
        return outcome.out;
    }
    void refused(const std::vector<std::string>& arguments, int status,
                 const std::string& message) const {
        const auto outcome = (*this)(arguments);
        CHECK(outcome.status == status);
        CHECK_MESSAGE(has(outcome.err, message), outcome.err);
    }
    std::vector<float> numbers(const std::string& file, const std::string& array) const {
        const Array a = read_npz(map_file((scratch / file).string()), array);
        const auto values = a.as<float>();
        return {values.begin(), values.end()};
    }
    std::vector<std::int64_t> labels(const std::string& file) const {
        const Array a = read_npz(map_file((scratch / file).string()), "label");
        const auto values = a.as<std::int64_t>();
        return {values.begin(), values.end()};
    }
};

double farthest(const std::vector<float>& a, const std::vector<float>& b) {
    REQUIRE(a.size() == b.size());
    double most = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        most = std::max(most, static_cast<double>(std::abs(a[i] - b[i])));
    return most;
}

const std::string kPictures =
    "[data]\nsource = \"sim:glyphs?n=60\"\n[model]\nname = \"ddpm\"\nsteps = 50\n[model.network]\n"
    "name = \"unet\"\nchannels = 8\nmultipliers = [1, 1]\nblocks = 1\nattention = []\n"
    "groups = 2\n[train]\nsteps = 2\nbatch = 4\nsample_every = 0\n[sample]\nsteps = 5\n";

}  // namespace

TEST_CASE("encode and decode go to the latent space and back") {
    const Run run(tiny_recipe());
    const std::vector<std::string> fine{"--set", "sample.sampler=adaptive", "--set",
                                        "sample.tolerance=1e-5"};
    const auto with = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.end(), fine.begin(), fine.end());
        return arguments;
    };
    run.good({"data", "make", "sim:ring?n=20", "--out", "data.npz"});
    const auto out =
        run.good(with({"encode", "run", "--data", "data.npz#samples", "--out", "z.npz"}));
    for (const char* part : {"\"n\":20", "\"latent\":\"noise\"", "\"event\":[2]",
                             "\"round_trip\":", "\"out\":\"z.npz\"", "\"seed\":0"})
        CHECK_MESSAGE(has(out, part), out);
    CHECK(std::stod(out.substr(out.find("round_trip") + 12)) < 0.01);
    const auto z = run.numbers("z.npz", "z");
    CHECK(farthest(z, run.numbers("z.npz", "mean")) == 0);
    CHECK(farthest(run.numbers("z.npz", "std"), std::vector<float>(40)) == 0);
    run.good(with({"decode", "run", "--latents", "z.npz", "--out", "back.npz"}));
    CHECK(farthest(run.numbers("back.npz", "samples"), run.numbers("data.npz", "samples")) < 0.05);
    run.good(
        with({"encode", "run", "--data", "data.npz#samples", "--out", "b.npz", "--batch", "7"}));
    CHECK(farthest(run.numbers("b.npz", "z"), z) < 1e-3);
    run.good(with({"decode", "run", "--latents", "z.npz", "--out", "c.npz", "--batch", "7"}));
    CHECK(farthest(run.numbers("c.npz", "samples"), run.numbers("back.npz", "samples")) < 1e-3);

    // A kept column is what it was to the last bit, though the scaling rounds.
    write_npy((run.scratch / "first.npy").string(), array_of<float>({2}, {1, 0}));
    run.good({"sample", "run", "-n", "20", "--from", "data.npz#samples", "--mask", "first.npy",
              "--out", "filled.npz"});
    const auto given = run.numbers("data.npz", "samples");
    const auto filled = run.numbers("filled.npz", "samples");
    for (std::size_t i = 0; i < 40; i += 2) CHECK(filled[i] == given[i]);
    CHECK(filled[1] != given[1]);

    run.refused({"encode", "run", "--data", "sim:ring?n=4", "--out", "z.csv"}, 2, ".npz");
    run.refused({"encode", "run", "--data", "sim:glyphs?n=4", "--out", "a.npz"}, 2, "--data");
    run.refused({"encode", "run", "--data", "sim:ring?n=4", "--out", "absent/z.npz"}, 5, "absent");
    run.refused({"encode", "nothing", "--data", "sim:ring?n=4", "--out", "z.npz"}, 3, "nothing");
    run.refused({"decode", "run", "--latents", "z.npz", "--out", "x.jpeg"}, 2, ".jpeg");
    run.refused({"decode", "run", "--latents", "none.npz", "--out", "x.csv"}, 3, "none.npz");
    run.refused({"decode", "run", "--latents", "data.npz", "--out", "x.csv"}, 3,
                "data.npz: z: the array is missing");
    const auto whole = contents(run.scratch / "z.npz");
    put(run.scratch / "cut.npz", whole.substr(0, whole.size() - 30));
    run.refused({"decode", "run", "--latents", "cut.npz", "--out", "x.csv"}, 3, "cut.npz");
    const auto holds = [&](const NamedArrays& arrays) {
        write_npz((run.scratch / "odd.npz").string(), arrays);
    };
    const std::vector<std::string> odd{"decode", "run", "--latents", "odd.npz", "--out", "x.csv"};
    holds({{"z", array_of<float>({2, 3}, {0, 0, 0, 0, 0, 0})}});
    run.refused(odd, 3, "odd.npz: z: expected [N, 2], got [2, 3]");
    holds({{"z", array_of<float>({1, 2}, {0, NAN})}});
    run.refused(odd, 3, "odd.npz: z: expected finite numbers, got others");
    holds({{"z", array_of<float>({1, 2}, {0, 0})}, {"condition.hue", array_of<float>({1}, {0})}});
    run.refused(odd, 3, "odd.npz: condition.hue: this model has no such condition");
    CHECK_FALSE(std::filesystem::exists(run.scratch / "x.csv"));
}

TEST_CASE("interpolate begins and ends at the reconstructions") {
    const Run run(tiny_recipe());
    run.good({"encode", "run", "--data", "sim:ring?n=3&seed=1", "--out", "a.npz"});
    run.good({"encode", "run", "--data", "sim:ring?n=3&seed=2", "--out", "b.npz"});
    run.good({"decode", "run", "--latents", "a.npz", "--out", "a-back.npz"});
    run.good({"decode", "run", "--latents", "b.npz", "--out", "b-back.npz"});
    const std::vector<std::string> pair{"interpolate",         "run",  "--from",
                                        "sim:ring?n=3&seed=1", "--to", "sim:ring?n=3&seed=2"};
    const auto to = [&](std::vector<std::string> more) {
        more.insert(more.begin(), pair.begin(), pair.end());
        return more;
    };
    const auto out = run.good(to({"--steps", "5", "--out", "path.npz"}));
    for (const char* part : {"\"n\":15", "\"pairs\":3", "\"steps\":5", "\"out\":\"path.npz\""})
        CHECK_MESSAGE(has(out, part), out);
    const auto path = run.numbers("path.npz", "samples");
    REQUIRE(path.size() == 30);
    std::vector<float> first, last;
    for (std::size_t row = 0; row < 3; ++row)
        for (std::size_t k = 0; k < 2; ++k) {
            first.push_back(path[row * 10 + k]);
            last.push_back(path[row * 10 + 8 + k]);
        }
    CHECK(farthest(first, run.numbers("a-back.npz", "samples")) < 1e-3);
    CHECK(farthest(last, run.numbers("b-back.npz", "samples")) < 1e-3);
    run.good(to({"--out", "path.csv"}));
    const auto csv = contents(run.scratch / "path.csv");
    CHECK(has(csv, ",pair,share\n"));
    CHECK(std::count(csv.begin(), csv.end(), '\n') == 25);
    run.refused(to({"--steps", "1", "--out", "p.csv"}), 2, "--steps");
    run.refused(
        {"interpolate", "run", "--from", "sim:ring?n=3", "--to", "sim:ring?n=2", "--out", "p.csv"},
        2, "--to sim:ring?n=2: expected as many rows as --from has, 3, got 2");
    run.refused({"interpolate", "run", "--from", "sim:ring?n=3", "--to", "sim:glyphs?n=3", "--out",
                 "p.csv"},
                2, "--to sim:glyphs");
}

TEST_CASE("pictures: latents keep their labels, and samples begin from given ones") {
    const Run run(kPictures);
    run.good({"encode", "run", "--data", "sim:glyphs?n=4", "--out", "z.npz"});
    const Array labels = read_npz(map_file((run.scratch / "z.npz").string()), "condition.label");
    CHECK(labels.shape == Shape{4});
    run.good({"decode", "run", "--latents", "z.npz", "--out", "x.npz"});
    const auto decoded = run.numbers("x.npz", "samples");
    CHECK(decoded.size() == 4 * 784);
    run.good({"decode", "run", "--latents", "z.npz", "--out", "y.npz", "--batch", "3"});
    CHECK(farthest(run.numbers("y.npz", "samples"), decoded) < 1e-4);  // each under its own label
    run.good({"interpolate", "run", "--from", "sim:glyphs?n=2&seed=3", "--to",
              "sim:glyphs?n=2&seed=4", "--steps", "4", "--out", "p.npz"});
    run.good({"data", "make", "sim:glyphs?n=2&seed=3", "--out", "from.npz"});
    run.good({"data", "make", "sim:glyphs?n=2&seed=4", "--out", "to.npz"});
    const auto begin = run.labels("from.npz"), end = run.labels("to.npz");
    REQUIRE(begin != end);
    CHECK(run.labels("p.npz") == std::vector<std::int64_t>{begin[0], begin[0], end[0], end[0],  //
                                                           begin[1], begin[1], end[1], end[1]});
    write_npz((run.scratch / "odd.npz").string(),
              {{"z", read_npz(map_file((run.scratch / "z.npz").string()), "z")},
               {"condition.label", array_of<std::int64_t>({4}, {0, 1, 2, 10})}});
    run.refused({"decode", "run", "--latents", "odd.npz", "--out", "x.npz"}, 3,
                "odd.npz: condition.label: expected labels from 0 to 9");

    std::vector<float> keep(784);
    for (std::size_t i = 0; i < 392; ++i) keep[i] = 1;
    write_npy((run.scratch / "top.npy").string(), array_of<float>({28, 28}, keep));
    write_npy((run.scratch / "small.npy").string(), array_of<float>({2, 2}, {1, 0, 0, 1}));
    run.good({"data", "make", "sim:glyphs?n=3", "--out", "three.npz"});
    const auto given = run.numbers("three.npz", "samples");
    const auto draw = [&](std::vector<std::string> more) {
        more.insert(more.begin(), {"sample", "run", "-n", "5", "--seed", "1", "--precision",
                                   "float32", "--out", "s.npz"});
        run.good(more);
        return run.numbers("s.npz", "samples");
    };
    const std::vector<std::string> from{"--from", "three.npz#samples"};
    const auto also = [&](std::vector<std::string> more) {
        more.insert(more.begin(), from.begin(), from.end());
        return draw(more);
    };
    const auto plain = draw({});
    CHECK(farthest(also({"--strength", "1"}), plain) < 1e-4);
    const auto half = also({});
    CHECK(farthest(half, plain) > 0.01);
    CHECK(farthest(half, also({"--strength", "0.5"})) == 0);
    CHECK(farthest(half, also({"--strength", "0.2"})) > 0.01);
    const auto painted = also({"--mask", "top.npy", "--resamplings", "2"});
    for (std::size_t i = 0; i < 5; ++i)  // row i mod 3, to the last bit
        for (std::size_t k = 0; k < 392; ++k)
            if (painted[i * 784 + k] != given[i % 3 * 784 + k]) FAIL("a kept pixel changed");
    CHECK(farthest(painted, also({"--mask", "top.npy", "--resamplings", "3"})) > 1e-3);
    // A row's own label is its condition, unless --condition says another.
    run.good({"sample", "run", "-n", "5", "--from", "sim:glyphs?n=3", "--out", "l.npz"});
    const auto own = run.labels("l.npz");
    const auto three = run.labels("three.npz");
    CHECK(own == std::vector<std::int64_t>{three[0], three[1], three[2], three[0], three[1]});
    run.good({"sample", "run", "-n", "2", "--from", "sim:glyphs?n=3", "--condition", "label=7",
              "--out", "l.npz"});
    CHECK(run.labels("l.npz") == std::vector<std::int64_t>{7, 7});

    const auto refused = [&](std::vector<std::string> more, int status, const std::string& says) {
        more.insert(more.begin(), {"sample", "run", "-n", "2", "--out", "no.npz"});
        run.refused(more, status, says);
    };
    refused({"--strength", "0.5"}, 2, "--strength: it needs the items to begin from, --from SPEC");
    refused({"--mask", "top.npy"}, 2, "--mask: it needs the items that it keeps, --from SPEC");
    refused({"--from", "three.npz#samples", "--resamplings", "2"}, 2,
            "--resamplings: it is for inpainting, --mask FILE");
    refused({"--from", "three.npz#samples", "--strength", "0"}, 2,
            "strength: expected above 0 and at most 1, got 0");
    refused({"--from", "three.npz#samples", "--strength", "1.01"}, 2, "got 1.01");
    refused({"--from", "three.npz#samples", "--mask", "top.npy", "--resamplings", "0"}, 2,
            "resamplings: expected at least 1, got 0");
    refused({"--from", "three.npz#samples", "--mask", "small.npy"}, 3,
            "small.npy: expected a mask [1, 28, 28], got [1, 2, 2]");
    refused({"--from", "three.npz#samples", "--mask", "tiny.toml"}, 3,
            "tiny.toml: expected a mask, a picture or npy, got text");
    refused({"--from", "three.npz#samples", "--mask", "absent.npy"}, 3, "absent.npy");
    refused({"--from", "sim:ring?n=2"}, 2, "--from sim:ring?n=2");
    CHECK_FALSE(std::filesystem::exists(run.scratch / "no.npz"));
}
