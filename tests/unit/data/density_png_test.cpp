#include "pushforward/base/errors.hpp"
#include "pushforward/base/image.hpp"
#include "pushforward/data/grid.hpp"

#include <doctest/doctest.h>
#include <torch/types.h>

#include <cmath>
#include <numbers>

using namespace pushforward;

TEST_CASE("the box of points: both axes alike, a margin, and no room for a stray point") {
    const Tensor line = torch::linspace(0, 1, 2000, torch::kDouble);
    Tensor points = torch::stack({line, 2 * line}, 1);
    const Box box = box_of(points);
    CHECK(box.low == doctest::Approx(-0.16).epsilon(0.01));
    CHECK(box.high == doctest::Approx(2.16).epsilon(0.01));
    points[7][0] = 1e6;
    CHECK(box_of(points).high == doctest::Approx(2.16).epsilon(0.01));
    CHECK(box_of(torch::zeros({0, 2})).high == 1);
    CHECK(box_of(torch::full({5, 2}, 3.0)).low == 2);
}

TEST_CASE("a density's picture: x to the right, y upwards, as many points as would be expected") {
    // a normal law, narrow in x, in the lower right quarter
    const double mx = 1, my = -0.5, sx = 0.2, sy = 0.5;
    const auto log_p = [&](double x, double y) {
        return -0.5 * (std::pow((x - mx) / sx, 2) + std::pow((y - my) / sy, 2)) -
               std::log(2 * std::numbers::pi * sx * sy);
    };
    std::int64_t asked = 0;
    const auto png = density_png(
        [&](const Tensor& points) {
            asked = points.size(0);
            Tensor out = torch::empty({asked}, torch::kDouble);
            for (std::int64_t i = 0; i < asked; ++i)
                out[i] = log_p(points[i][0].item<double>(), points[i][1].item<double>());
            return out;
        },
        {-2, 2}, 4096);
    CHECK(asked == 128 * 128);
    const Image image =
        decode_image(blob_of("p", {reinterpret_cast<const char*>(png.data()), png.size()}));
    REQUIRE((image.height == 512 && image.width == 512 && image.channels == 1));
    const double cell = 4.0 / 128;
    const auto expected = [&](double x, double y) {  // points in the cell around (x, y)
        return 4096 * cell * cell * std::exp(log_p(x, y));
    };
    // the cell in which the law's mean lies is the darkest
    const double most = expected(1 + cell / 2, -0.5 + cell / 2);
    for (const auto& [column, row] :
         {std::pair{96, 79}, {100, 85}, {90, 70}, {96, 100}, {20, 20}}) {
        const double x = -2 + cell * (column + 0.5), y = 2 - cell * (row + 0.5);
        const double grey = 255 * (1 - std::log1p(expected(x, y)) / std::log1p(most));
        const int seen =
            image.pixels[static_cast<std::size_t>((4 * row + 1) * 512 + 4 * column + 2)];
        CAPTURE(column);
        CHECK(std::abs(seen - grey) < 1);
    }
    CHECK_THROWS_AS(density_png([](const Tensor& p) { return p.select(1, 0); }, {1, 1}, 10),
                    UsageError);
}
