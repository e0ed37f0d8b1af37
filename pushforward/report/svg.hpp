#pragma once

#include <string>
#include <vector>

namespace pushforward {

/// One curve of a chart; points with a non-finite value are gaps.
struct Curve {
    std::string name;
    std::vector<double> x, y;
    bool faint = false;   ///< pale and not in the legend: the raw values behind a smoothed curve
    bool points = false;  ///< marks its points
    int colour = 0;       ///< 0 to 5
};

struct Chart {
    std::string title, x_label;
    std::vector<Curve> curves;
    bool log_y = false;  ///< ignored when a value is not positive
};

/// An <svg> element as wide as what holds it, coloured by the CSS classes of report/html.hpp.
/// Curves of more than 600 points are thinned to their extremes.
std::string svg(const Chart& chart);

/// The running mean in which a point's weight halves every `half_life` points to either side, so
/// that it does not lag; non-finite values are passed over.
std::vector<double> smoothed(const std::vector<double>& y, double half_life);

/// A number as people read it: 12,345 and 0.0123 and 1.2e-07.
std::string readable(double value, int digits = 4);

}  // namespace pushforward
