#include "pushforward/simulators/glyphs.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/base/philox.hpp"
#include "pushforward/core/rng.hpp"
#include "pushforward/simulators/strokes.hpp"

#include <torch/types.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace pushforward {
namespace {

/// The random numbers of one item, taken one after another.
class Draws {
public:
    Draws(std::uint64_t key, std::int64_t item) {
        const auto row = static_cast<std::uint64_t>(item);
        philox_uniform({key, row, 0}, 0, uniform_.size(), uniform_.data());
        philox_normal({key, row, 1}, 0, normal_.size(), normal_.data());
    }
    float uniform(double low, double high) {
        return static_cast<float>(low + (high - low) * uniform_.at(next_uniform_++));
    }
    float normal(double deviation) {
        return static_cast<float>(deviation * normal_.at(next_normal_++));
    }

private:
    std::array<double, 32> uniform_;
    std::array<double, 96> normal_;  // two for each of at most 40 control points, and the rotation
    std::size_t next_uniform_ = 0, next_normal_ = 0;
};

/// What happens to the plane before the pen draws: a smooth displacement by two waves an axis,
/// then an affine map to pixels. Lengths are in hundredths of the character's square.
struct Deformation {
    std::array<float, 4> fx, fy, phase, amplitude;
    float a, b, c, d, tx, ty;

    Deformation(Draws& r, float strength, float side) {
        for (std::size_t k = 0; k < 4; ++k) {
            fx[k] = r.uniform(-0.065, 0.065);  // up to about one wave over the character
            fy[k] = r.uniform(-0.065, 0.065);
            phase[k] = r.uniform(0, 2 * std::numbers::pi);
            amplitude[k] = strength * r.uniform(1.0, 4.0);
        }
        const float angle = strength * std::clamp(r.normal(0.1), -0.25f, 0.25f);
        const float shear = strength * r.uniform(-0.12, 0.3);  // hands lean to the right
        const float unit = side / 115;                         // the character is 80 / 115 high
        const float sx = unit * (1 + strength * r.uniform(-0.22, 0.12));
        const float sy = unit * (1 + strength * r.uniform(-0.14, 0.10));
        const float cosine = std::cos(angle), sine = std::sin(angle);
        a = sx * cosine, b = -sy * sine - sx * cosine * shear;
        c = sx * sine, d = sy * cosine - sx * sine * shear;
        tx = side / 2 + strength * side * r.uniform(-0.05, 0.05);
        ty = side / 2 + strength * side * r.uniform(-0.05, 0.05);
    }

    Point operator()(Point p) const {
        const float x = p.x - 50, y = p.y - 50;
        std::array<float, 4> wave;
        for (std::size_t k = 0; k < 4; ++k)
            wave[k] = amplitude[k] * std::sin(fx[k] * x + fy[k] * y + phase[k]);
        const float u = x + wave[0] + wave[1], v = y + wave[2] + wave[3];
        return {a * u + b * v + tx, c * u + d * v + ty};
    }
};

/// Lowers `nearest` to the distance from the segment p..q minus the pen's radius, near the segment.
void stamp(Point p, Point q, float radius, std::int64_t side, std::vector<float>& nearest) {
    const float reach = radius + 1, last = static_cast<float>(side - 1);
    const auto low = [&](float u, float v) {
        return static_cast<std::int64_t>(std::clamp(std::min(u, v) - reach - 0.5f, 0.0f, last));
    };
    const auto high = [&](float u, float v) {
        return static_cast<std::int64_t>(std::clamp(std::max(u, v) + reach, 0.0f, last));
    };
    const std::int64_t x0 = low(p.x, q.x), x1 = high(p.x, q.x);
    const std::int64_t y0 = low(p.y, q.y), y1 = high(p.y, q.y);
    const float dx = q.x - p.x, dy = q.y - p.y;
    const float inverse = 1 / std::max(dx * dx + dy * dy, 1e-12f);
    for (std::int64_t y = y0; y <= y1; ++y) {
        float* row = nearest.data() + y * side;
        const float ry = static_cast<float>(y) + 0.5f - p.y;
        for (std::int64_t x = x0; x <= x1; ++x) {
            const float rx = static_cast<float>(x) + 0.5f - p.x;
            const float t = std::clamp((rx * dx + ry * dy) * inverse, 0.0f, 1.0f);
            const float ex = rx - t * dx, ey = ry - t * dy;
            row[x] = std::min(row[x], std::sqrt(ex * ex + ey * ey) - radius);
        }
    }
}

class Glyphs : public Simulator {
public:
    explicit Glyphs(const GlyphOptions& options) : options_(options) {
        const auto& all = letterforms();
        const bool letters = options.classes == "letters";
        first_ = letters ? 10 : 0;
        const std::size_t count = options.classes == "digits" ? 10 : letters ? 26 : 36;
        std::vector<std::string> names;
        for (std::size_t k = 0; k < count; ++k) names.push_back(all[first_ + k].name);
        classes_ = static_cast<std::int64_t>(count);
        spec_.x = {Kind::real, {1, options.size, options.size}};
        spec_.conditions = {{"label", {Kind::symbol, {}, classes_}, names}};
    }

    const DataSpec& spec() const override { return spec_; }

    Batch draw(std::span<const std::int64_t> items, std::uint64_t seed) const override {
        const auto n = static_cast<std::int64_t>(items.size());
        Batch batch;
        batch.x = torch::empty({n, 1, options_.size, options_.size});
        batch.index = torch::tensor(at::ArrayRef<std::int64_t>(items.data(), items.size()));
        Tensor label = torch::empty({n}, torch::kLong);
        const std::uint64_t key = Rng(seed).key();
        Scratch scratch;
        for (std::size_t i = 0; i < items.size(); ++i)
            label.data_ptr<std::int64_t>()[i] =
                paint(key, items[i], scratch,
                      batch.x.data_ptr<float>() +
                          static_cast<std::int64_t>(i) * options_.size * options_.size);
        batch.c.value["label"] = label;
        return batch;
    }

private:
    struct Scratch {
        std::vector<float> nearest;
        std::vector<Point> chain;
        Stroke stroke;
    };

    /// Paints one item and returns its class.
    std::int64_t paint(std::uint64_t key, std::int64_t item, Scratch& scratch, float* out) const {
        Draws r(key, item);
        const auto strength = static_cast<float>(options_.distortion);
        const auto side = static_cast<float>(options_.size);
        const auto label = std::min(
            static_cast<std::int64_t>(r.uniform(0, static_cast<double>(classes_))), classes_ - 1);
        const auto& forms = letterforms()[first_ + static_cast<std::size_t>(label)].forms;
        const auto form =
            std::min(static_cast<std::size_t>(r.uniform(0, static_cast<double>(forms.size()))),
                     forms.size() - 1);
        const Deformation deform(r, strength, side);
        const float radius = side / 28 * (1.1f + strength * r.uniform(-0.4, 0.35));

        const std::size_t pixels = static_cast<std::size_t>(options_.size * options_.size);
        scratch.nearest.assign(pixels, 1.0f);
        for (const Stroke& plain : forms[form]) {
            scratch.stroke = plain;
            for (Point& p : scratch.stroke.points) {
                p.x += strength * r.normal(1.2);
                p.y += strength * r.normal(1.2);
            }
            flatten(scratch.stroke, 4, scratch.chain);
            for (Point& p : scratch.chain) p = deform(p);
            for (std::size_t k = 0; k + 1 < scratch.chain.size(); ++k)
                stamp(scratch.chain[k], scratch.chain[k + 1], radius, options_.size,
                      scratch.nearest);
        }
        // ink where the signed distance to the pen's edge is below -1/2, paper above 1/2
        for (std::size_t k = 0; k < pixels; ++k)
            out[k] = std::clamp(0.5f - scratch.nearest[k], 0.0f, 1.0f);
        return label;
    }

    GlyphOptions options_;
    std::size_t first_ = 0;
    std::int64_t classes_ = 0;
    DataSpec spec_;
};

}  // namespace

void GlyphOptions::visit(Fields& f) {
    f.choice("classes", classes, {"digits", "letters", "all"}, {"which characters"});
    f.integer("size", size, {"height and width", "pixels", 8, 1024});
    f.number("distortion", distortion, {"strength of the random deformations", "", 0, 3});
}

std::unique_ptr<Simulator> make_glyphs(const GlyphOptions& options) {
    return std::make_unique<Glyphs>(options);
}

}  // namespace pushforward
