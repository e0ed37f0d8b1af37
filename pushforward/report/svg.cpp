#include "pushforward/report/svg.hpp"

#include "pushforward/report/html.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

namespace pushforward {
namespace {

// In user units; on a page the picture is between 300 and 600 pixels wide.
constexpr double kWidth = 480, kHeight = 270, kLeft = 56, kRight = 16, kTop = 44, kBottom = 40;

std::string format(const char* pattern, double a, double b = 0, double c = 0, double d = 0) {
    char buffer[160];
    std::snprintf(buffer, sizeof buffer, pattern, a, b, c, d);
    return buffer;
}

/// Maps [low, high] (or its logarithm) to [from, to] of the picture.
struct Axis {
    double low, high, from, to;
    bool log = false;
    double at(double value) const {
        auto f = [&](double v) { return log ? std::log10(v) : v; };
        return from + (to - from) * (f(value) - f(low)) / (f(high) - f(low));
    }
};

/// Round values: multiples of 1, 2 or 5 powers of ten; powers of ten and their parts on a log axis.
std::vector<double> ticks(const Axis& axis, int about) {
    std::vector<double> all;
    if (axis.log) {
        const double decades = std::log10(axis.high / axis.low);
        const std::vector<double> parts = decades > 3 ? std::vector<double>{1}
                                          : decades > 1
                                              ? std::vector<double>{1, 3}
                                              : std::vector<double>{1, 1.5, 2, 3, 4, 5, 7};
        for (double p = std::floor(std::log10(axis.low)); p <= std::log10(axis.high); ++p)
            for (double part : parts) all.push_back(part * std::pow(10, p));
        std::erase_if(all, [&](double t) { return t < axis.low || t > axis.high; });
        while (all.size() > 7) {  // many decades: every second one
            for (std::size_t i = all.size() / 2; i-- > 0;)
                all.erase(all.begin() + std::ptrdiff_t(2 * i + 1));
        }
        return all;
    }
    const double rough = (axis.high - axis.low) / about;
    const double power = std::pow(10, std::floor(std::log10(rough)));
    double size = 10 * power;
    for (double part : {5.0, 2.0, 1.0})
        if (part * power >= rough) size = part * power;
    for (double k = std::ceil(axis.low / size - 1e-9); k * size <= axis.high * (1 + 1e-12); ++k)
        all.push_back(k == 0 ? 0 : k * size);  // not -0
    return all;
}

using Points = std::vector<std::pair<double, double>>;

/// The lowest and the highest point of each of 300 stretches: spikes stay visible.
Points thinned(const Points& all) {
    constexpr std::size_t stretches = 300;
    if (all.size() <= 2 * stretches) return all;
    Points out;
    for (std::size_t k = 0; k < stretches; ++k) {
        const auto begin = all.begin() + std::ptrdiff_t(k * all.size() / stretches);
        const auto end = all.begin() + std::ptrdiff_t((k + 1) * all.size() / stretches);
        auto below = [](const auto& a, const auto& b) { return a.second < b.second; };
        auto [low, high] = std::minmax_element(begin, end, below);
        if (high < low) std::swap(low, high);
        out.push_back(*low);
        if (high != low) out.push_back(*high);
    }
    return out;
}

std::string drawn(const Curve& curve, const Axis& x, const Axis& y) {
    const auto style = format("c%.0f", curve.colour) + (curve.faint ? " faint" : "");
    std::string out, path;
    Points piece;
    auto end_piece = [&] {
        const char* command = "M";
        for (const auto& [a, b] : thinned(piece)) {
            path += command + format("%.1f %.1f", x.at(a), y.at(b));
            command = "L";
        }
        piece.clear();
    };
    for (std::size_t i = 0; i < curve.x.size(); ++i) {
        if (!std::isfinite(curve.y[i])) {
            end_piece();
            continue;
        }
        piece.emplace_back(curve.x[i], curve.y[i]);
        if (curve.points)
            out += format("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" ", x.at(curve.x[i]),
                          y.at(curve.y[i])) +
                   "class=\"dot " + style + "\"/>";
    }
    end_piece();
    return "<path class=\"curve " + style + "\" d=\"" + path + "\"/>" + out;
}

std::string label(double x, double y, const char* anchor, const char* style,
                  const std::string& text) {
    return format("<text x=\"%.1f\" y=\"%.1f\"", x, y) + " text-anchor=\"" + anchor +
           "\" class=\"" + style + "\">" + html_escaped(text) + "</text>";
}

std::string frame(const Chart& chart, const Axis& x, const Axis& y) {
    std::string out = label(0, 16, "start", "title", chart.title);
    std::vector<const Curve*> named;
    for (const auto& curve : chart.curves)
        if (!curve.faint && !curve.name.empty()) named.push_back(&curve);
    double at = 0;
    for (const auto* curve : named) {
        if (named.size() == 1) break;  // nothing to tell apart
        out += format("<line x1=\"%.1f\" x2=\"%.1f\" y1=\"31\" y2=\"31\" ", at, at + 14) +
               format("class=\"curve c%.0f\"/>", curve->colour) +
               label(at + 19, 35, "start", "tick", curve->name);
        at += 35 + 6.6 * static_cast<double>(curve->name.size());
    }
    for (double t : ticks(y, 5))
        out += format("<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" class=\"grid\"/>",
                      kLeft, kWidth - kRight, y.at(t), y.at(t)) +
               label(kLeft - 7, y.at(t) + 4, "end", "tick", readable(t, 3));
    for (double t : ticks(x, 5))
        out += label(x.at(t), kHeight - kBottom + 17,
                     x.at(t) > kWidth - kRight - 20 ? "end" : "middle", "tick", readable(t, 6));
    return out + label((kLeft + kWidth - kRight) / 2, kHeight - 5, "middle", "tick", chart.x_label);
}

}  // namespace

std::string readable(double value, int digits) {
    if (std::isnan(value)) return "nan";
    if (std::isinf(value)) return value > 0 ? "∞" : "−∞";
    char buffer[64];
    const double size = std::abs(value);
    if (size >= 1000 && size < 1e15 &&
        (size >= std::pow(10, digits - 1) || value == std::round(value))) {
        std::snprintf(buffer, sizeof buffer, "%.0f", value);
        std::string out = buffer;
        for (auto i = std::ptrdiff_t(out.size()) - 3; i > (value < 0); i -= 3)
            out.insert(static_cast<std::size_t>(i), ",");
        return out;
    }
    std::snprintf(buffer, sizeof buffer, "%.*g", digits, value);
    return buffer;
}

std::vector<double> smoothed(const std::vector<double>& y, double half_life) {
    const double d = std::exp2(-1 / half_life);
    std::vector<double> sums(y.size()), weights(y.size());
    // Forwards, and backwards without the point itself: no lag, and every weight counted once.
    double sum = 0, weight = 0;
    for (std::size_t i = 0; i < y.size(); ++i) {
        sum *= d, weight *= d;
        if (std::isfinite(y[i])) sum += y[i], weight += 1;
        sums[i] = sum, weights[i] = weight;
    }
    sum = weight = 0;
    for (std::size_t i = y.size(); i-- > 0;) {
        sums[i] += sum, weights[i] += weight;
        if (std::isfinite(y[i])) sum += y[i], weight += 1;
        sum *= d, weight *= d;
    }
    for (std::size_t i = 0; i < y.size(); ++i) sums[i] /= weights[i];
    return sums;
}

std::string svg(const Chart& chart) {
    constexpr double inf = std::numeric_limits<double>::infinity();
    double x0 = inf, x1 = -inf, y0 = inf, y1 = -inf;
    for (const auto& c : chart.curves)
        for (std::size_t i = 0; i < c.x.size(); ++i)
            if (std::isfinite(c.y[i])) {
                x0 = std::min(x0, c.x[i]), x1 = std::max(x1, c.x[i]);
                y0 = std::min(y0, c.y[i]), y1 = std::max(y1, c.y[i]);
            }
    std::string out = format("<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" ", kWidth, kHeight) +
                      "aria-label=\"" + html_escaped(chart.title) + "\">";
    if (x0 > x1)
        return out + label(0, 16, "start", "title", chart.title) +
               label(kWidth / 2, kHeight / 2, "middle", "tick", "no values") + "</svg>";
    const bool log = chart.log_y && y0 > 0;
    if (x0 == x1) x0 -= 1, x1 += 1;
    // A margin of 4 % above and below; of a flat curve, its own size.
    const double lift = log ? std::max(std::pow(y1 / y0, 0.04), 1.02) : 0;
    const double margin = y1 > y0 ? 0.04 * (y1 - y0) : std::max(std::abs(y0) * 0.1, 1e-12);
    const Axis x{x0, x1, kLeft, kWidth - kRight};
    const Axis y{log ? y0 / lift : (y0 >= 0 && y0 < margin * 8 ? 0 : y0 - margin),
                 log ? y1 * lift : y1 + margin, kHeight - kBottom, kTop, log};
    out += frame(chart, x, y);
    for (const auto& curve : chart.curves) out += drawn(curve, x, y);
    return out + "</svg>";
}

}  // namespace pushforward
