#pragma once

#include <string>
#include <utility>
#include <vector>

namespace pushforward {

/// &, <, > and quotes made harmless.
std::string html_escaped(const std::string& text);

/// A self-contained page: no script, no external request, light and dark, from 400 px up.
class Page {
public:
    Page(std::string title, std::string subtitle);

    using Rows = std::vector<std::vector<std::string>>;

    void section(const std::string& heading);
    void paragraph(const std::string& text);
    /// A line that says at a glance how it went.
    void verdict(bool good, const std::string& text);
    /// Large figures with what they are below.
    void figures(const std::vector<std::pair<std::string, std::string>>& value_and_name);
    /// An empty header gives a table of names and values.
    void table(const std::vector<std::string>& header, const Rows& rows);
    void code(const std::string& text);
    /// A PNG, embedded, in whole pixels; `small` ones stand beside each other.
    void picture(const std::string& png, const std::string& caption);
    /// Between them elements stand beside each other where there is room; cells at least `width`
    /// pixels wide.
    void begin_grid(int width);
    void end_grid();
    /// Markup as it is, as one cell (a chart of report/svg.hpp).
    void cell(const std::string& markup);

    std::string html() const;

private:
    std::string title_, subtitle_, body_;
};

}  // namespace pushforward
