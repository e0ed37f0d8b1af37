#pragma once

#include <string>
#include <vector>

namespace pushforward {

/// One curve of a chart; points with a non-finite value are gaps.
struct Curve {
    std::string name;
    std::vector<double> x, y;
    bool faint = false;   ///< drawn pale, as the raw values behind a smoothed curve
    bool points = false;  ///< marks at its points
};

struct Chart {
    std::string title, x_label, y_label;
    std::vector<Curve> curves;
    bool log_y = false;  ///< ignored when a value is not positive
};

/// An <svg> element of width 100 %, its colours by the CSS classes of report/html.hpp.
std::string svg(const Chart& chart);

/// A running mean with the weight halving every `half_life` points, free of bias at its start.
std::vector<double> smoothed(const std::vector<double>& y, double half_life);

}  // namespace pushforward
