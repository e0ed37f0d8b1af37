#include "pushforward/simulators/sprites.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/base/philox.hpp"
#include "pushforward/core/rng.hpp"

#include <torch/types.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace pushforward {
namespace {

using std::numbers::pi;

// Signed distances to shapes of area 1 centred (by mass) at the origin, y upwards, negative inside;
// exact near the edge, which is where they decide the grey.

double square_distance(double x, double y) {
    const double u = std::abs(x) - 0.5, v = std::abs(y) - 0.5;
    const double outside = std::hypot(std::max(u, 0.0), std::max(v, 0.0));
    return outside + std::min(std::max(u, v), 0.0);
}

/// Axes 2 : 1; the level set's value over its slope, exact to first order at the edge.
double ellipse_distance(double x, double y) {
    const double b = 1 / std::sqrt(2 * pi), a = 2 * b;
    const double k0 = std::hypot(x / a, y / b), k1 = std::hypot(x / (a * a), y / (b * b));
    return k1 > 0 ? k0 * (k0 - 1) / k1 : -b;
}

/// Equilateral, one corner upwards.
double triangle_distance(double x, double y) {
    static const double inner = 0.5 * std::sqrt(4 / (3 * std::sqrt(3.0)));
    const double slope = 0.5 * std::sqrt(3.0) * std::abs(x) + 0.5 * y;
    return std::max(slope, -y) - inner;
}

/// A square of side q on its corner with half discs on its upper edges; tip downwards.
double heart_distance(double x, double y) {
    static const double q = 1 / std::sqrt(1 + pi / 4);
    static const double quarter = q / (2 * std::sqrt(2.0));
    static const double rise = pi / 4 * (quarter + q * std::sqrt(2.0) / (3 * pi)) / (1 + pi / 4);
    const double u = std::abs(x),
                 v = y + rise;  // the centre of mass lies `rise` above the square's
    const double disc = std::hypot(u - quarter, v - quarter) - q / 2;
    const double s = (u + v) / std::sqrt(2.0), t = (u - v) / std::sqrt(2.0);
    const double square = std::max(std::abs(s), std::abs(t)) - q / 2;
    return std::min(disc, square);
}

double distance(SpriteShape shape, double x, double y) {
    switch (shape) {
        case SpriteShape::square:
            return square_distance(x, y);
        case SpriteShape::ellipse:
            return ellipse_distance(x, y);
        case SpriteShape::heart:
            return heart_distance(x, y);
        case SpriteShape::triangle:
            return triangle_distance(x, y);
    }
    return 0;
}

class Sprites : public Simulator {
public:
    explicit Sprites(const SpriteOptions& options) : side_(options.size) {
        spec_.x = {Kind::real, {1, side_, side_}};
        spec_.conditions = {
            {"shape", {Kind::symbol, {}, 4}, {"square", "ellipse", "heart", "triangle"}}};
        for (const char* name : {"x", "y", "size", "angle"})
            spec_.conditions.push_back({name, {Kind::real, {}}, {}});
    }

    const DataSpec& spec() const override { return spec_; }

    Batch draw(std::span<const std::int64_t> items, std::uint64_t seed) const override {
        const auto n = static_cast<std::int64_t>(items.size());
        Batch batch;
        batch.x = torch::empty({n, 1, side_, side_});
        batch.index = torch::tensor(at::ArrayRef<std::int64_t>(items.data(), items.size()));
        Tensor shape = torch::empty({n}, torch::kLong), numbers = torch::empty({4, n});
        const std::uint64_t key = Rng(seed).key();
        for (std::int64_t i = 0; i < n; ++i) {
            std::array<double, 5> u;
            philox_uniform({key, static_cast<std::uint64_t>(items[static_cast<std::size_t>(i)]), 0},
                           0, u.size(), u.data());
            SpriteFactors f;
            f.shape = static_cast<SpriteShape>(std::min(3, static_cast<int>(4 * u[0])));
            f.x = 0.35 + 0.3 * u[1];
            f.y = 0.35 + 0.3 * u[2];
            f.size = 0.25 + 0.15 * u[3];
            f.angle = sprite_period(f.shape) * u[4];
            const auto picture = render_sprite(f, side_);
            std::copy(picture.begin(), picture.end(),
                      batch.x.data_ptr<float>() + i * side_ * side_);
            shape.data_ptr<std::int64_t>()[i] = static_cast<std::int64_t>(f.shape);
            auto* to = numbers.data_ptr<float>() + i;
            for (double value : {f.x, f.y, f.size, f.angle}) {
                *to = static_cast<float>(value);
                to += n;
            }
        }
        batch.c.value["shape"] = shape;
        std::int64_t k = 0;
        for (const char* name : {"x", "y", "size", "angle"})
            batch.c.value[name] = numbers[k++].clone();
        return batch;
    }

private:
    std::int64_t side_;
    DataSpec spec_;
};

}  // namespace

void SpriteOptions::visit(Fields& f) {
    f.integer("size", size, {"height and width", "pixels", 12, 512});
}

double sprite_period(SpriteShape shape) {
    switch (shape) {
        case SpriteShape::square:
            return pi / 2;
        case SpriteShape::ellipse:
            return pi;
        case SpriteShape::heart:
            return 2 * pi;
        case SpriteShape::triangle:
            return 2 * pi / 3;
    }
    return 2 * pi;
}

std::vector<float> render_sprite(const SpriteFactors& f, std::int64_t side) {
    std::vector<float> out(static_cast<std::size_t>(side * side));
    const double width = static_cast<double>(side), scale = f.size * width;
    const double cosine = std::cos(f.angle) / scale, sine = std::sin(f.angle) / scale;
    for (std::int64_t row = 0; row < side; ++row)
        for (std::int64_t column = 0; column < side; ++column) {
            const double u = static_cast<double>(column) + 0.5 - f.x * width;
            const double v = f.y * width - static_cast<double>(row) - 0.5;  // upwards
            const double d =
                scale * distance(f.shape, cosine * u + sine * v, cosine * v - sine * u);
            out[static_cast<std::size_t>(row * side + column)] =
                static_cast<float>(std::clamp(0.5 - d, 0.0, 1.0));
        }
    return out;
}

std::unique_ptr<Simulator> make_sprites(const SpriteOptions& options) {
    return std::make_unique<Sprites>(options);
}

}  // namespace pushforward
