#include "pushforward/simulators/catalogue.hpp"
#include "pushforward/simulators/sprites.hpp"

#include <doctest/doctest.h>
#include <torch/types.h>

#include <cmath>

using namespace pushforward;

TEST_CASE("glyphs: grey pictures, every class about equally often, ink away from the border") {
    for (const auto& [classes, count] : std::vector<std::pair<std::string, std::int64_t>>{
             {"digits", 10}, {"letters", 26}, {"all", 36}}) {
        CAPTURE(classes);
        const auto s = make_simulator("glyphs", {{"classes", classes}});
        const auto* label = s->spec().condition("label");
        REQUIRE(label != nullptr);
        CHECK(label->space.symbols == count);
        CHECK(label->names.size() == static_cast<std::size_t>(count));
        CHECK(label->names.front() == (classes == "letters" ? "A" : "0"));
        const Batch b = s->batch(0, 3600, 1);
        CHECK(b.x.min().item<float>() == 0.0f);
        CHECK(b.x.max().item<float>() == 1.0f);
        const Tensor ink = b.x.sum({1, 2, 3});
        CHECK(ink.min().item<float>() > 12);   // something is drawn,
        CHECK(ink.max().item<float>() < 300);  // and most is paper
        const double expected = 3600.0 / static_cast<double>(count);
        double chi = 0;
        for (std::int64_t k = 0; k < count; ++k)
            chi += std::pow((b.c.value.at("label") == k).sum().item<double>() - expected, 2) /
                   expected;
        CHECK(chi <
              static_cast<double>(count - 1) + 5 * std::sqrt(2.0 * static_cast<double>(count - 1)));
        const Tensor inside = b.x.slice(2, 1, 27).slice(3, 1, 27).sum();
        CHECK((inside / b.x.sum()).item<double>() > 0.985);
    }
}

TEST_CASE("glyphs: classes differ more than their members, and deformation can be turned off") {
    const auto plain = make_simulator("glyphs", {{"distortion", "0"}, {"size", "20"}});
    const auto wild = make_simulator("glyphs", {{"size", "20"}});
    const Batch a = plain->batch(0, 600, 1), b = wild->batch(0, 2000, 2);
    CHECK(a.x.size(3) == 20);
    const auto distinct = [](const Batch& batch) {
        return std::get<0>(torch::unique_dim(batch.x.flatten(1), 0)).size(0);
    };
    CHECK(distinct(a) <= 18);  // the forms of ten digits
    CHECK(distinct(b) == 2000);
    // the nearest class mean is right far above chance (one in ten)
    const Tensor label = b.c.value.at("label"), x = b.x.flatten(1);
    std::vector<Tensor> means;
    for (int k = 0; k < 10; ++k)
        means.push_back(x.slice(0, 0, 1000).index({label.slice(0, 0, 1000) == k}).mean(0));
    const Tensor guess = torch::cdist(x.slice(0, 1000), torch::stack(means)).argmin(1);
    CHECK((guess == label.slice(0, 1000)).to(torch::kFloat).mean().item<double>() > 0.6);
}

TEST_CASE("sprites: the oracle reads the factors of fresh sprites back") {
    for (const char* size : {"16", "24"}) {
        const auto s = make_simulator("sprites", {{"size", size}});
        const Batch b = s->batch(0, 400, 9);
        const auto readings = read_sprites(b.x);
        int right = 0;
        for (std::size_t i = 0; i < readings.size(); ++i) {
            const auto at = [&](const char* name) {
                return b.c.value.at(name)[static_cast<std::int64_t>(i)].item<double>();
            };
            const auto& f = readings[i].factors;
            const double period = sprite_period(f.shape), turn = std::abs(f.angle - at("angle"));
            right += readings[i].valid && static_cast<double>(f.shape) == at("shape") &&
                     std::abs(f.x - at("x")) < 0.005 && std::abs(f.y - at("y")) < 0.005 &&
                     std::abs(f.size - at("size")) < 0.005 && std::min(turn, period - turn) < 0.05;
        }
        CHECK(right >= 396);
    }
}

TEST_CASE("sprites: small noise is forgiven; noise, blends, pairs and empty pictures are not") {
    const auto s = make_simulator("sprites");
    const Tensor x = s->batch(0, 200, 4).x, y = s->batch(1000, 200, 4).x;
    const auto valid = [](const Tensor& pictures) {
        int count = 0;
        for (const auto& r : read_sprites(pictures)) count += r.valid;
        return count;
    };
    torch::manual_seed(0);
    CHECK(valid((x + 0.04 * torch::randn_like(x)).clamp(0, 1)) >= 198);
    CHECK(valid(torch::rand_like(x)) == 0);
    CHECK(valid(torch::zeros({1, 1, 16, 16})) == 0);
    CHECK(valid(torch::full({1, 1, 16, 16}, 0.5)) == 0);
    CHECK(valid(torch::ones({1, 1, 16, 16})) == 0);
    // blends of sprites that differ (two nearly equal ones do look like one)
    const Tensor differ = (x - y).pow(2).mean({1, 2, 3}).sqrt() > 0.2;
    CHECK(differ.sum().item<int>() > 100);
    CHECK(valid((0.5 * (x + y)).index({differ})) <= 1);
    CHECK(valid(torch::maximum(x.roll(-4, 3), y.roll(4, 3))) <= 2);
}

TEST_CASE("sprites: factors are uniform in their ranges and areas are size squared") {
    const auto s = make_simulator("sprites", {{"size", "64"}});
    const Batch b = s->batch(0, 500, 2);
    const Tensor size = b.c.value.at("size"), area = b.x.mean({1, 2, 3});
    CHECK(torch::allclose(area, size * size, 0.01, 0.0005));
    const Batch many = make_simulator("sprites")->batch(0, 4000, 3);
    for (const auto& [name, low, high] : std::vector<std::tuple<std::string, double, double>>{
             {"x", 0.35, 0.65}, {"y", 0.35, 0.65}, {"size", 0.25, 0.4}}) {
        const Tensor v = ((many.c.value.at(name) - low) / (high - low)).to(torch::kDouble);
        CHECK(v.min().item<double>() >= -1e-6);
        CHECK(v.max().item<double>() <= 1 + 1e-6);
        const Tensor counts = torch::histc(v, 10, 0, 1);
        CHECK(((counts - 400).pow(2) / 400).sum().item<double>() < 27.9);  // 9 d.f., p = .001
    }
}
