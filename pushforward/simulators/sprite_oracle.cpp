#include "pushforward/base/errors.hpp"
#include "pushforward/simulators/sprites.hpp"

#include <torch/types.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

namespace pushforward {
namespace {

constexpr std::array shapes = {SpriteShape::square, SpriteShape::ellipse, SpriteShape::heart,
                               SpriteShape::triangle};
constexpr double max_residual = 0.06, max_local = 0.2;

using Vector = std::array<double, 4>;  // x, y, size, angle

SpriteFactors factors(SpriteShape shape, const Vector& v) {
    return {shape, v[0], v[1], v[2], v[3]};
}

/// The picture that is read, and least squares against sprites.
struct Target {
    const float* pixels;
    std::int64_t side;

    std::size_t count() const { return static_cast<std::size_t>(side * side); }

    std::vector<double> error(SpriteShape shape, const Vector& v) const {
        const auto sprite = render_sprite(factors(shape, v), side);
        std::vector<double> e(count());
        for (std::size_t k = 0; k < e.size(); ++k)
            e[k] = static_cast<double>(sprite[k]) -
                   static_cast<double>(std::clamp(pixels[k], 0.0f, 1.0f));
        return e;
    }
};

double sum_of_squares(const std::vector<double>& e) {
    double sum = 0;
    for (double value : e) sum += value * value;
    return sum;
}

/// Solves the symmetric positive definite 4 x 4 system m z = r by Cholesky's method.
Vector solve(std::array<Vector, 4> m, Vector r) {
    for (std::size_t i = 0; i < 4; ++i)
        for (std::size_t j = 0; j <= i; ++j) {
            double sum = m[i][j];
            for (std::size_t k = 0; k < j; ++k) sum -= m[i][k] * m[j][k];
            m[i][j] = i == j ? std::sqrt(std::max(sum, 1e-30)) : sum / m[j][j];
        }
    for (std::size_t i = 0; i < 4; ++i) {
        for (std::size_t k = 0; k < i; ++k) r[i] -= m[i][k] * r[k];
        r[i] /= m[i][i];
    }
    for (std::size_t i = 4; i-- > 0;) {
        for (std::size_t k = i + 1; k < 4; ++k) r[i] -= m[k][i] * r[k];
        r[i] /= m[i][i];
    }
    return r;
}

/// Levenberg-Marquardt (Marquardt 1963) from `v`, with difference quotients; returns the sum of
/// squares reached.
double fit(const Target& target, SpriteShape shape, Vector& v) {
    const double pixel = 1.0 / static_cast<double>(target.side);
    const Vector step = {0.05 * pixel, 0.05 * pixel, 0.02 * pixel, 0.01};
    auto error = target.error(shape, v);
    double best = sum_of_squares(error), damping = 1e-2;
    for (int iteration = 0; iteration < 25 && damping < 1e6; ++iteration) {
        std::array<std::vector<double>, 4> slope;
        for (std::size_t i = 0; i < 4; ++i) {
            Vector moved = v;
            moved[i] += step[i];
            slope[i] = target.error(shape, moved);
            for (std::size_t k = 0; k < error.size(); ++k)
                slope[i][k] = (slope[i][k] - error[k]) / step[i];
        }
        std::array<Vector, 4> normal{};
        Vector gradient{};
        for (std::size_t i = 0; i < 4; ++i) {
            for (std::size_t k = 0; k < error.size(); ++k) gradient[i] += slope[i][k] * error[k];
            for (std::size_t j = 0; j < 4; ++j)
                for (std::size_t k = 0; k < error.size(); ++k)
                    normal[i][j] += slope[i][k] * slope[j][k];
        }
        const double before = best;
        for (; damping < 1e6; damping *= 8) {
            auto damped = normal;
            for (std::size_t i = 0; i < 4; ++i) damped[i][i] += damping * normal[i][i] + 1e-9;
            const Vector delta = solve(damped, gradient);
            Vector moved = v;
            for (std::size_t i = 0; i < 4; ++i) moved[i] -= delta[i];
            if (moved[2] < 0.1 || moved[2] > 0.8) continue;
            auto next = target.error(shape, moved);
            const double sum = sum_of_squares(next);
            if (sum >= best) continue;
            best = sum, v = moved, error = std::move(next);
            damping = std::max(damping / 8, 1e-6);
            break;
        }
        if (before - best < 1e-7 * before) break;
    }
    return best;
}

/// The largest mean error of a 2 x 2 block: a second shape is a patch, noise is not.
double local_error(const std::vector<double>& e, std::int64_t side) {
    double worst = 0;
    for (std::int64_t row = 0; row + 1 < side; ++row)
        for (std::int64_t column = 0; column + 1 < side; ++column) {
            const auto k = static_cast<std::size_t>(row * side + column);
            const auto below = k + static_cast<std::size_t>(side);
            worst = std::max(worst, std::abs(e[k] + e[k + 1] + e[below] + e[below + 1]) / 4);
        }
    return worst;
}

/// Is `value` in low..high with 5 % of the range to spare?
bool within(double value, double low, double high) {
    const double slack = 0.05 * (high - low);
    return value >= low - slack && value <= high + slack;
}

SpriteReading read_one(const Target& target) {
    // area and centre of mass are the shape's own: every shape has area size^2 around (x, y)
    double mass = 0, mx = 0, my = 0;
    for (std::int64_t row = 0; row < target.side; ++row)
        for (std::int64_t column = 0; column < target.side; ++column) {
            const double value = static_cast<double>(
                std::clamp(target.pixels[row * target.side + column], 0.0f, 1.0f));
            mass += value;
            mx += value * (static_cast<double>(column) + 0.5);
            my += value * (static_cast<double>(row) + 0.5);
        }
    const double width = static_cast<double>(target.side);
    SpriteReading reading;
    reading.residual = reading.local = 1;
    if (!(mass > 1)) return reading;
    const double size = std::clamp(std::sqrt(mass) / width, 0.15, 0.6);
    double best = std::numeric_limits<double>::infinity();
    for (const SpriteShape shape : shapes) {
        // the angle is searched first: two best of a turn's 24 steps go on
        const double period = sprite_period(shape);
        const int starts =
            std::max(4, static_cast<int>(std::lround(24 * period / (2 * std::numbers::pi))));
        std::vector<std::pair<double, Vector>> candidates;
        for (int k = 0; k < starts; ++k) {
            const Vector v = {mx / mass / width, my / mass / width, size, period * k / starts};
            candidates.emplace_back(sum_of_squares(target.error(shape, v)), v);
        }
        std::partial_sort(candidates.begin(), candidates.begin() + 2, candidates.end());
        for (std::size_t k = 0; k < 2; ++k) {
            Vector v = candidates[k].second;
            const double sum = fit(target, shape, v);
            if (sum >= best) continue;
            best = sum;
            reading.factors = factors(shape, v);
            reading.factors.angle -= period * std::floor(v[3] / period);
        }
    }
    reading.residual = std::sqrt(best) / width;
    const auto& f = reading.factors;
    reading.local = local_error(target.error(f.shape, {f.x, f.y, f.size, f.angle}), target.side);
    reading.valid = reading.residual <= max_residual && reading.local <= max_local &&
                    within(f.x, 0.35, 0.65) && within(f.y, 0.35, 0.65) && within(f.size, 0.25, 0.4);
    return reading;
}

}  // namespace

std::vector<SpriteReading> read_sprites(const Tensor& pictures) {
    PF_CHECK(pictures.dim() == 4 && pictures.size(1) == 1 && pictures.size(2) == pictures.size(3),
             "read_sprites", "pictures of shape [N, 1, S, S]", pictures.sizes());
    const Tensor all = pictures.detach().to(torch::kCPU, torch::kFloat).contiguous();
    const std::int64_t side = all.size(2);
    std::vector<SpriteReading> readings;
    for (std::int64_t i = 0; i < all.size(0); ++i)
        readings.push_back(read_one({all.data_ptr<float>() + i * side * side, side}));
    return readings;
}

}  // namespace pushforward
