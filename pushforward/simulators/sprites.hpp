#pragma once

#include "pushforward/base/fields.hpp"
#include "pushforward/core/simulator.hpp"

#include <memory>
#include <vector>

namespace pushforward {

/// `sim:sprites`: one white shape on black, anti-aliased, [1, size, size] in [0, 1].
struct SpriteOptions : Options {
    std::int64_t size = 16;
    void visit(Fields& f) override;
};

enum class SpriteShape { square, ellipse, heart, triangle };

/// What a sprite is made of; also the names of the conditions. Independent and uniform:
/// x and y (the centre) in [0.35, 0.65] and size (the square root of the area) in [0.25, 0.4] of
/// the picture's side; angle in radians over the shape's period (square pi/2, triangle 2 pi/3,
/// ellipse pi, heart 2 pi), counter-clockwise as seen.
struct SpriteFactors {
    SpriteShape shape = SpriteShape::square;
    double x = 0.5, y = 0.5, size = 0.3, angle = 0;
};

double sprite_period(SpriteShape shape);

/// The picture, side x side, row by row from the top.
std::vector<float> render_sprite(const SpriteFactors& factors, std::int64_t side);

/// What the oracle saw: the factors that fit best, how badly, and whether it is one sprite at all.
struct SpriteReading {
    SpriteFactors factors;
    double residual = 0;  ///< root mean square difference between the picture and the best sprite
    double local = 0;     ///< the largest mean error of a 2 x 2 block: a second shape shows here
    bool valid = false;   ///< residual <= 0.06, local <= 0.2, factors in their ranges (5 % slack)
};

/// Reads pictures [N, 1, S, S] back by fitting every shape from several starts by least squares.
std::vector<SpriteReading> read_sprites(const Tensor& pictures);

std::unique_ptr<Simulator> make_sprites(const SpriteOptions& options);

}  // namespace pushforward
