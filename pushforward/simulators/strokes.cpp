#include "pushforward/simulators/strokes.hpp"

#include <sstream>

namespace pushforward {
namespace {

/// Strokes are written P (straight), S (smooth) or C (closed) with their points; forms are
/// separated by |.
struct Drawing {
    const char *name, *forms;
};

constexpr Drawing drawings[] = {
    {"0", "C 50 10 68 22 74 50 68 78 50 90 32 78 26 50 32 22"},
    {"1", "P 32 30 52 10 52 90 | P 34 28 50 10 50 90 P 32 90 68 90"},
    {"2",
     "S 28 30 35 15 51 10 67 17 71 34 60 54 44 72 27 90 P 27 90 75 90 | "
     "S 27 28 38 12 55 11 69 22 66 42 50 62 27 88 S 27 88 40 82 56 90 76 85"},
    {"3",
     "S 29 18 46 10 64 16 68 32 57 45 44 47 S 44 47 62 49 73 62 70 80 53 90 37 88 26 78 | "
     "P 29 12 70 12 46 44 S 46 44 64 48 73 63 68 81 52 90 37 88 26 79"},
    {"4", "P 60 10 25 63 77 63 P 60 10 60 90 | P 34 12 29 55 75 55 P 63 14 61 90"},
    {"5", "P 71 12 36 12 33 46 S 33 46 48 40 64 45 73 61 68 79 53 90 38 88 27 80"},
    {"6", "S 66 12 48 22 35 43 29 66 36 83 51 90 66 84 72 69 65 55 50 50 37 56 30 68"},
    {"7", "P 27 12 74 12 44 90 | P 27 12 74 12 44 90 P 38 50 68 50"},
    {"8", "C 50 46 35 35 36 18 50 10 64 18 65 35 50 46 31 60 30 80 50 90 70 80 69 60"},
    {"9",
     "S 69 30 60 45 45 48 32 38 32 20 46 10 61 14 69 30 68 54 62 76 52 90 | "
     "C 68 29 60 44 45 48 32 38 32 20 46 10 61 13 P 69 12 66 90"},
    {"A", "P 24 90 50 10 76 90 P 34 62 66 62"},
    {"B",
     "P 30 10 30 90 S 30 10 52 11 66 20 65 38 50 47 30 48 "
     "S 30 48 56 49 72 60 71 79 54 89 30 90"},
    {"C", "S 73 25 60 12 43 11 30 25 25 50 30 75 43 89 60 88 73 76"},
    {"D", "P 29 10 29 90 S 29 10 51 13 69 28 75 50 69 72 51 87 29 90"},
    {"E", "P 70 11 30 10 30 90 72 90 P 30 49 64 49"},
    {"F", "P 71 11 31 10 31 90 P 31 48 64 48"},
    {"G", "S 72 25 60 12 43 11 29 25 25 50 30 76 44 89 60 87 72 76 P 72 80 72 55 52 55"},
    {"H", "P 28 10 28 90 P 72 10 72 90 P 28 49 72 49"},
    {"I", "P 50 10 50 90 P 33 10 67 10 P 33 90 67 90"},
    {"J",
     "P 62 10 62 64 S 62 64 60 81 48 90 34 85 27 70 | "
     "P 42 10 82 10 P 63 10 63 64 S 63 64 60 81 48 90 34 85 27 70"},
    {"K", "P 30 10 30 90 P 70 10 31 54 P 43 42 73 90"},
    {"L", "P 32 10 32 90 73 90"},
    {"M", "P 21 90 25 10 50 62 75 10 79 90"},
    {"N", "P 27 90 27 10 73 90 73 10"},
    {"O", "C 50 11 73 22 83 50 73 78 50 89 27 78 17 50 27 22"},
    {"P", "P 31 90 31 10 S 31 10 54 11 69 21 69 39 55 50 31 52"},
    {"Q", "C 50 10 71 21 80 48 71 75 50 86 29 75 20 48 29 21 P 57 66 81 93"},
    {"R", "P 30 90 30 10 S 30 10 53 11 68 20 68 38 54 49 30 50 P 46 50 73 90"},
    {"S", "S 70 24 59 12 43 11 31 22 36 39 51 48 66 57 71 73 60 87 43 90 28 78"},
    {"T", "P 23 12 77 12 P 50 12 50 90"},
    {"U", "S 27 10 27 40 29 67 38 85 50 90 62 85 71 67 73 40 73 10"},
    {"V", "P 24 10 50 90 76 10"},
    {"W", "P 17 10 34 90 50 30 66 90 83 10"},
    {"X", "P 26 10 74 90 P 74 10 26 90"},
    {"Y", "P 25 10 50 50 75 10 P 50 50 50 90"},
    {"Z", "P 27 12 73 12 27 88 75 88 | P 27 12 73 12 27 88 75 88 P 37 50 63 50"},
};

Letterform read(const Drawing& drawing) {
    Letterform letter{drawing.name, {{}}};
    std::istringstream in(drawing.forms);
    for (std::string word; in >> word;) {
        if (word == "|") {
            letter.forms.emplace_back();
        } else if (word == "P" || word == "S" || word == "C") {
            letter.forms.back().push_back({word == "P"   ? Stroke::Form::straight
                                           : word == "S" ? Stroke::Form::smooth
                                                         : Stroke::Form::closed,
                                           {}});
        } else {
            Point p;
            p.x = std::stof(word);
            in >> p.y;
            letter.forms.back().back().points.push_back(p);
        }
    }
    return letter;
}

}  // namespace

const std::vector<Letterform>& letterforms() {
    static const std::vector<Letterform> all = [] {
        std::vector<Letterform> letters;
        for (const auto& d : drawings) letters.push_back(read(d));
        return letters;
    }();
    return all;
}

void flatten(const Stroke& stroke, int pieces, std::vector<Point>& out) {
    out.clear();
    const auto& p = stroke.points;
    const auto n = static_cast<int>(p.size());
    const bool closed = stroke.form == Stroke::Form::closed;
    const auto at = [&](int i) {
        if (closed) return p[static_cast<std::size_t>((i + n) % n)];
        return p[static_cast<std::size_t>(i < 0 ? 0 : i >= n ? n - 1 : i)];
    };
    const int legs = closed ? n : n - 1;
    for (int i = 0; i < legs; ++i) {
        const Point a = at(i - 1), b = at(i), c = at(i + 1), d = at(i + 2);
        for (int k = 0; k < pieces; ++k) {
            const float t = static_cast<float>(k) / static_cast<float>(pieces);
            if (stroke.form == Stroke::Form::straight) {
                out.push_back({b.x + t * (c.x - b.x), b.y + t * (c.y - b.y)});
                continue;
            }
            // the cubic with the tangents (c - a) / 2 and (d - b) / 2
            const float t2 = t * t, t3 = t2 * t;
            const float wa = -t3 + 2 * t2 - t, wb = 3 * t3 - 5 * t2 + 2, wc = -3 * t3 + 4 * t2 + t,
                        wd = t3 - t2;
            out.push_back({0.5f * (wa * a.x + wb * b.x + wc * c.x + wd * d.x),
                           0.5f * (wa * a.y + wb * b.y + wc * c.y + wd * d.y)});
        }
    }
    out.push_back(at(legs));
}

}  // namespace pushforward
