#include "files.hpp"
#include "pushforward/base/audio.hpp"
#include "pushforward/data/audio_export.hpp"
#include "pushforward/data/description_json.hpp"
#include "tests/unit/support.hpp"

#include <doctest/doctest.h>
#include <torch/types.h>

#include <cmath>

using namespace pushforward;
using pushforward::testing::Folder;
using pushforward::testing::refusal;
using pushforward::testing::worst;

namespace {

/// A wave of `frames` samples, k / 64 at sample k of each 64.
std::string wav(std::int64_t frames, std::int64_t rate = 8000, std::int64_t channels = 1) {
    Audio audio{rate, channels, {}};
    for (std::int64_t i = 0; i < frames * channels; ++i)
        audio.samples.push_back(static_cast<float>(i / channels % 64) / 64);
    const Buffer bytes = encode_wav(audio);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Batch all(const Source& source) {
    std::vector<std::int64_t> rows(static_cast<std::size_t>(source.size()));
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<std::int64_t>(i);
    return source.get(rows);
}

}  // namespace

TEST_CASE("recordings are rows, with silence behind their ends and classes in their names") {
    const Folder folder;
    folder.write("3_ann_0.wav", wav(100));
    folder.write("3_bob_1.wav", wav(60));
    folder.write("7_ann_12.wav", wav(80));
    const auto source = open_data(folder / "?names={digit}_{speaker}_{}");
    CHECK(source->kind() ==
          "3 recordings of 100 samples at 8000 a second, silence behind their ends");
    CHECK(source->rate() == 8000);
    const Batch batch = all(*source);
    CHECK(batch.x.sizes() == at::IntArrayRef({3, 100}));
    CHECK(batch.x[1][59].item<double>() == doctest::Approx(59. / 64).epsilon(1e-4));
    CHECK(batch.x[1].slice(0, 60).abs().max().item<double>() == 0);
    CHECK(source->spec().condition("digit")->names == std::vector<std::string>{"3", "7"});
    CHECK(source->spec().condition("speaker")->names == std::vector<std::string>{"ann", "bob"});
    CHECK(batch.c.value.at("speaker").equal(torch::tensor({0, 1, 0}, torch::kLong)));
    const auto some = open_data(folder / "?length=50");
    CHECK(some->spec().x.event == std::vector<std::int64_t>{50});
    CHECK(some->notes() == std::vector<std::string>{"3 recordings are cut after 50 samples"});
    CHECK(some->spec().conditions.empty());
    CHECK(open_data(folder / "?rate=4000")->spec().x.event == std::vector<std::int64_t>{50});
    // what a run remembers
    const auto d = prepare_data(folder / "", {.validation = 0, .scale = false}).description;
    CHECK(d.rate == 8000);
    CHECK(read_description(read_file(folder.write("d.json", description_json(d)))) == d);
}

TEST_CASE("subfolders of recordings are classes, other channels are mixed") {
    const Folder folder;
    folder.write("cello/a.wav", wav(10));
    folder.write("flute/b.wav", wav(10, 8000, 2));
    const auto source = open_data(folder / "");
    CHECK(source->spec().condition("label")->names == std::vector<std::string>{"cello", "flute"});
    const Batch batch = all(*source);
    CHECK(worst(batch.x[0], batch.x[1]) < 1e-4);
    CHECK(open_data(folder / "cello/a.wav")->size() == 1);
}

TEST_CASE("sound that does not fit together is refused") {
    const Folder folder;
    folder.write("a.wav", wav(10));
    folder.write("b.wav", wav(10, 16000));
    CHECK(refusal([&] {
              open_data(folder / "");
          }).find("b.wav has 16000 samples a second, a.wav has 8000: expected ?rate=N") !=
          std::string::npos);
    CHECK(open_data(folder / "?rate=8000")->size() == 2);
    CHECK_THROWS_WITH_AS(open_data(folder / "?rate=8000&names={x}_{}"),
                         doctest::Contains("a.wav: expected a name like {x}_{}"), DataError);
    CHECK(refusal([&] { open_data(folder / "?rate=8000&names={x"); }).find("expected {NAME}") !=
          std::string::npos);
    CHECK(refusal([&] { open_data(folder / "?size=8"); }).find("size has no meaning for sound") !=
          std::string::npos);
    CHECK(refusal([&] {
              open_data(folder.write("t.csv", "1,2\n3,4\n") + "?rate=8000");
          }).find("rate has no meaning for anything but sound") != std::string::npos);
    CHECK_THROWS_AS(open_data(folder.write("cut.wav", wav(100).substr(0, 60))), DataError);
}

TEST_CASE("sound is written as it was drawn, to 16 bits") {
    const Folder folder;
    const Tensor items = torch::sin(torch::arange(200, torch::kFloat) / 10).view({2, 100}) * 0.9;
    CHECK(refusal([&] { check_audio_export(folder / "x.wav", 2); }).find("got 2 items") !=
          std::string::npos);
    export_audio(folder / "x.wav", items.slice(0, 0, 1), 8000);
    CHECK(worst(all(*open_data(folder / "x.wav")).x, items.slice(0, 0, 1)) < 2e-5);
    export_audio(folder / "both/", items, 8000);
    CHECK(worst(all(*open_data(folder / "both")).x, items) < 2e-5);
}
