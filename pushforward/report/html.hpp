#pragma once

#include <string>
#include <utility>
#include <vector>

namespace pushforward {

/// &, <, > and quotes made harmless.
std::string html_escaped(const std::string& text);

/// A self-contained page: no script, no external request, light and dark, 400 px and up.
class Page {
public:
    Page(std::string title, std::string subtitle);

    void section(const std::string& heading);
    void paragraph(const std::string& text);
    /// A line that says at a glance how it went.
    void verdict(bool good, const std::string& text);
    void table(const std::vector<std::pair<std::string, std::string>>& rows);
    void table(const std::vector<std::string>& header,
               const std::vector<std::vector<std::string>>& rows);
    void code(const std::string& text);
    /// A PNG, embedded.
    void picture(const std::string& png, const std::string& caption);
    /// Elements that stand beside each other where there is room.
    void begin_grid();
    void end_grid();
    /// Markup as it is (a chart of report/svg.hpp).
    void raw(const std::string& markup);

    std::string html() const;

private:
    std::string title_, subtitle_, body_;
};

}  // namespace pushforward
