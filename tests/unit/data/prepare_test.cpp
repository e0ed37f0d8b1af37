#include "files.hpp"
#include "pushforward/base/npy.hpp"
#include "pushforward/data/description.hpp"
#include "pushforward/data/grid.hpp"
#include "pushforward/data/inspect.hpp"

#include <doctest/doctest.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <set>

using namespace pushforward;
using pushforward::testing::Folder;
using pushforward::testing::png;

TEST_CASE("split_rows: disjoint, complete, seeded, nested in the validation share") {
    const Split a = split_rows(1000, 0.1, false, 0), b = split_rows(1000, 0.3, false, 0),
                c = split_rows(1000, 0.1, false, 1), own = split_rows(1000, 0.1, true, 0),
                none = split_rows(1000, 0, false, 0);
    for (const Split& s : {a, b, c, own, none}) {
        std::set<std::int64_t> all;
        for (const auto* part : {&s.train, &s.validation, &s.test}) {
            CHECK(std::is_sorted(part->begin(), part->end()));
            all.insert(part->begin(), part->end());
        }
        CHECK(all.size() == 1000);
        CHECK(s.train.size() + s.validation.size() + s.test.size() == 1000);
    }
    CHECK(a.train.size() == 800);
    CHECK(a.validation.size() == 100);
    CHECK(own.test.empty());
    CHECK(own.train.size() == 900);
    CHECK(none.train.size() == 1000);
    CHECK(a.test == b.test);
    CHECK(std::includes(b.validation.begin(), b.validation.end(), a.validation.begin(),
                        a.validation.end()));
    CHECK(a.test != c.test);
    CHECK(a.description.find("800") != std::string::npos);
}

TEST_CASE("Scaling: columns get mean 0 and deviation 1 on the training rows, there and back") {
    const Folder folder;
    std::string csv = "a,b,c,t\n";
    for (int i = 0; i < 300; ++i)
        csv += std::to_string(1e6 + i) + "," + std::to_string(0.001 * i * i) + ",5," +
               std::to_string(100 * i) + "\n";
    const auto prepared = prepare_data(folder.write("t.csv", csv) + "?context=t");
    const Scaling& s = prepared.description.scaling;
    const Batch raw = prepared.data->get(prepared.split.train);
    const Batch b = s.to_model(raw);
    const Tensor mean = b.x.to(torch::kDouble).mean(0), sd = b.x.to(torch::kDouble).std(0, false);
    CHECK(mean.abs().max().item<double>() < 1e-3);
    CHECK(torch::allclose(sd, torch::tensor({1.0, 1.0, 0.0}, torch::kDouble), 1e-3, 1e-3));
    CHECK(torch::allclose(s.to_data(b.x), raw.x, 1e-6, 1e-4));
    CHECK(b.c.value.at("t").std(false).item<double>() == doctest::Approx(1).epsilon(1e-3));
    CHECK(torch::allclose(s.to_data(b.c).value.at("t"), raw.c.value.at("t"), 1e-5, 1e-2));
    // the change of variables: log |d model / d data|
    const auto& scale = s.x().scale;
    CHECK(s.log_det({3}) == doctest::Approx(-std::log(scale[0]) - std::log(scale[1])));
    CHECK(scale[2] == 1);
    CHECK(prepared.description.columns.size() == 3);
}

TEST_CASE("Scaling: pictures become 2x - 1, fields are standardised as a whole") {
    const auto glyphs = prepare_data("sim:glyphs?n=100");
    const Scaling& s = glyphs.description.scaling;
    CHECK(s == Scaling(Affine{{0.5}, {0.5}}));
    CHECK(s.log_det({1, 28, 28}) == doctest::Approx(784 * std::log(2.0)));
    CHECK(s.to_model(torch::tensor({0.0f, 1.0f})).equal(torch::tensor({-1.0f, 1.0f})));
    const Folder folder;
    std::vector<float> field(20 * 64);
    for (std::size_t i = 0; i < field.size(); ++i) field[i] = static_cast<float>(i % 7) - 30;
    write_npy(folder / "f.npy", array_of<float>({20, 8, 8}, field));
    const auto fields = prepare_data(folder / "f.npy");
    CHECK(fields.description.scaling.x().shift.size() == 1);
    const Tensor x = fields.description.scaling.to_model(fields.data->get(fields.split.train).x);
    CHECK(x.mean().item<double>() == doctest::Approx(0).epsilon(1e-3));
    CHECK(x.std(false).item<double>() == doctest::Approx(1).epsilon(1e-3));
    CHECK(prepare_data("sim:ring?n=50", {.scale = false}).description.scaling == Scaling());
}

TEST_CASE("prepare_data: counts, test sets, and a fingerprint that notices changes") {
    const auto a = prepare_data("sim:ring?n=1000"), again = prepare_data("sim:ring?n=1000"),
               seed = prepare_data("sim:ring?n=1000&seed=1");
    CHECK(a.description.train == 900);
    CHECK(a.description.validation == 100);
    CHECK(a.description.test == a.test->size());
    CHECK(a.description.fingerprint.size() == 64);
    CHECK(a.description == again.description);
    CHECK(difference(a.description, again.description).empty());
    CHECK(difference(a.description, seed.description).find("not the same") != std::string::npos);

    const Folder folder;
    std::string csv = "a,b\n";
    for (int i = 0; i < 100; ++i) csv += std::to_string(i % 10) + "," + std::to_string(i) + "\n";
    const std::string file = folder.write("t.csv", csv);
    const auto before = prepare_data(file, {.scale = false}).description;
    csv.replace(csv.find("\n5,5\n"), 5, "\n5,6\n");
    folder.write("t.csv", csv);
    CHECK(difference(before, prepare_data(file, {.scale = false}).description)
              .find("content has changed") != std::string::npos);
    folder.write("t.csv", csv + "1,1\n");
    CHECK(difference(before, prepare_data(file, {.scale = false}).description).find("rows to train") !=
          std::string::npos);
    folder.write("t.csv", "a,c\n1,2\n3,4\n");
    CHECK(difference(before, prepare_data(file, {.scale = false}).description).find("columns") !=
          std::string::npos);
}

TEST_CASE("image grids: size, order, channels, clamping and enlargement") {
    Tensor images = torch::zeros({5, 1, 4, 6});
    images[1].fill_(1);
    images[4].fill_(7);
    const Image grid = decode_image(blob_of("grid", image_grid_png(images, 3, 2, {{"who", "me"}})));
    CHECK(grid.width == 3 * 13 + 1);
    CHECK(grid.height == 2 * 9 + 1);
    const auto pixel = [&](std::int64_t row, std::int64_t column) {
        return grid.pixels[static_cast<std::size_t>((row * grid.width + column) * grid.channels)];
    };
    CHECK(pixel(5, 5) == 0);
    CHECK(pixel(5, 13 + 5) == 255);
    CHECK(pixel(9 + 5, 13 + 5) == 255);  // 7 is clamped
    CHECK(pixel(0, 0) == 96);            // the line
    CHECK(pixel(9 + 5, 26 + 5) == 96);   // no sixth image
    const Tensor colour = torch::tensor({1.0f, 0.5f, 0.0f}).view({1, 3, 1, 1}).expand({1, 3, 4, 4});
    const Image one = decode_image(blob_of("one", image_grid_png(colour, 1, 1)));
    CHECK(one.channels == 3);
    const auto at = static_cast<std::size_t>((2 * one.width + 2) * 3);
    CHECK(one.pixels[at] == 255);
    CHECK(one.pixels[at + 1] == 128);
    CHECK(one.pixels[at + 2] == 0);
    CHECK(png_text(blob_of("grid", image_grid_png(images, 3, 2, {{"who", "me"}}))).at("who") ==
          "me");
}

TEST_CASE("pictures of points: y goes up, and every kind of item has a picture") {
    const Tensor points = torch::tensor({{0.9, 0.9}, {0.9, 0.9}, {-0.9, -0.9}});
    const Image p = decode_image(blob_of("points", scatter_png(points, -1, 1)));
    CHECK(p.width == 512);
    const auto grey = [&](double x, double y) {
        const auto column = static_cast<std::int64_t>((x + 1) * 256),
                   row = static_cast<std::int64_t>((1 - y) * 256);
        return p.pixels[static_cast<std::size_t>((row * p.width + column) * p.channels)];
    };
    CHECK(grey(0.9, 0.9) == 0);
    CHECK(grey(-0.9, -0.9) > 0);
    CHECK(grey(-0.9, -0.9) < 255);
    CHECK(grey(-0.9, 0.9) == 255);
    CHECK(picture_png(torch::rand({10, 3, 8, 8})).size() > 100);
    CHECK(picture_png(torch::randn({10, 2})).size() > 100);
    CHECK(picture_png(torch::randn({50, 11})).size() > 100);
    CHECK(picture_png(torch::full({4, 1}, 2.0)).size() > 100);
    CHECK(picture_png(torch::full({4, 2}, NAN)).size() > 100);
}

TEST_CASE("inspect: counts, ranges, classes and oddities, also of what train refuses") {
    const Folder folder;
    const auto report = inspect_data(
        folder.write("t.csv", "id,a,b,name\n1,2,7,x\n2,nan,7,y\n2,,7,z\n") + "?drop=name");
    CHECK(report.count == 3);
    REQUIRE(report.columns.size() == 4);
    CHECK(report.columns[0].low == 1);
    CHECK(report.columns[0].high == 2);
    CHECK(report.columns[0].mean == doctest::Approx(5.0 / 3));
    CHECK(report.columns[1].not_finite == 2);
    CHECK(report.columns[1].first_not_finite == "line 3");
    CHECK(report.columns[3].text);
    CHECK(report.columns[3].first_text == "line 2, 'x'");
    const std::string said = to_text(report);
    CHECK(said.find("b is constant: 7") != std::string::npos);
    CHECK(said.find("name holds text") != std::string::npos);
    CHECK(said.find("train would refuse this") != std::string::npos);
    CHECK(report.refused.find("line 3, column a") != std::string::npos);

    for (int i = 0; i < 6; ++i)
        folder.write("p/" + std::string(i < 4 ? "u" : "v") + "/" + std::to_string(i) + ".png",
                     png(8, 8, {i < 2 ? 5 : 10 * i}));
    const auto pictures = inspect_data(folder / "p");
    CHECK(pictures.count == 6);
    CHECK(pictures.type == "uint8");
    CHECK(pictures.duplicates == 1);
    CHECK((pictures.classes ==
           std::vector<std::pair<std::string, std::int64_t>>{{"u", 4}, {"v", 2}}));
    CHECK(pictures.refused.empty());
    CHECK(decode_image(blob_of("grid", pictures.picture)).width > 20);
    const auto ring = inspect_data("sim:ring?n=500");
    CHECK(ring.columns.size() == 2);
    CHECK(ring.own_test == 83);
    CHECK(ring.odd.empty());
}
