#pragma once

#include <string>
#include <vector>

namespace pushforward {

struct Point {
    float x = 0, y = 0;
};

/// One movement of the pen through control points: straight from point to point, or along the
/// Catmull-Rom spline through them (Catmull & Rom 1974), open or closed.
struct Stroke {
    enum class Form { straight, smooth, closed };
    Form form = Form::straight;
    std::vector<Point> points;
};

/// One way to write a character, on a square of 100 x 100 with y downwards; the character is
/// about 80 high, centred at (50, 50).
using Glyph = std::vector<Stroke>;

/// A character and the ways to write it.
struct Letterform {
    std::string name;
    std::vector<Glyph> forms;
};

/// The digits 0 to 9, then the capital letters A to Z.
const std::vector<Letterform>& letterforms();

/// The stroke as a chain of points, each leg between control points cut into `pieces`.
void flatten(const Stroke& stroke, int pieces, std::vector<Point>& out);

}  // namespace pushforward
