#include "pushforward/report/html.hpp"

#include <cstdint>

namespace pushforward {
namespace {

const char* const kStyle = R"(
:root{color-scheme:light dark;--paper:#fbfaf8;--card:#fff;--ink:#1d2127;--soft:#626b76;--line:#e3e1dc;
--good:#1c7a4d;--bad:#b3362b;--c0:#2364aa;--c1:#d9702b;--c2:#2a8c6e;--c3:#8a4fa3;--c4:#b08a12;--c5:#c2426b}
@media(prefers-color-scheme:dark){:root{--paper:#14171b;--card:#1c2026;--ink:#e6e8eb;--soft:#98a2ad;
--line:#30363e;--good:#58c08c;--bad:#ee7d72;--c0:#6fabef;--c1:#f0985a;--c2:#5cc4a3;--c3:#c08fd6;--c4:#d8b548;
--c5:#ee7f9f}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",
Roboto,"Helvetica Neue",sans-serif}
main{max-width:1240px;margin:0 auto;padding:28px 18px 64px}
h1{font-size:1.75rem;line-height:1.2;margin:0;overflow-wrap:break-word}
h2{font-size:1.1rem;margin:40px 0 12px}
p{margin:.4em 0}.sub,figcaption,.name{color:var(--soft)}
.verdict{margin:18px 0 0;padding:10px 14px;border-left:4px solid var(--good);background:var(--card);
border-radius:0 6px 6px 0}.verdict.bad{border-color:var(--bad)}
.figures{display:flex;flex-wrap:wrap;gap:12px 36px;margin:22px 0 0}.figures b{display:block;font-size:1.35rem;
font-weight:600;font-variant-numeric:tabular-nums;line-height:1.25}.figures span{font-size:.85rem}
.cells{display:grid;gap:14px;grid-template-columns:repeat(auto-fill,minmax(min(100%,var(--w)),1fr))}
.card,figure{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:14px;margin:0;min-width:0}
figure{width:fit-content;max-width:min(100%,760px)}.cells figure{width:auto}
figure img{display:block;max-width:100%;height:auto;margin:0 auto;border-radius:3px}
figcaption{font-size:.85rem;margin-top:8px;text-align:center}
svg{display:block;width:100%;height:auto}svg text{font:13px system-ui,sans-serif;fill:var(--soft)}
svg .title{font-size:15px;font-weight:600;fill:var(--ink)}svg .grid{stroke:var(--line)}
.curve{fill:none;stroke-width:2;stroke-linejoin:round}.curve.faint{stroke-width:1;opacity:.3}
.c0{stroke:var(--c0)}.c1{stroke:var(--c1)}.c2{stroke:var(--c2)}.c3{stroke:var(--c3)}.c4{stroke:var(--c4)}
.c5{stroke:var(--c5)}.dot{fill:var(--card);stroke-width:2}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
td,th{text-align:left;padding:5px 14px 5px 0;border-bottom:1px solid var(--line);vertical-align:top;
overflow-wrap:break-word}th{font-weight:600;font-size:.85rem;color:var(--soft)}
.pairs td:first-child{color:var(--soft);width:1%;white-space:nowrap;padding-right:32px}
pre{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:14px;overflow-x:auto;
font:13px/1.55 ui-monospace,"SF Mono",Menlo,Consolas,monospace;margin:0}
)";

std::string base64(const std::string& bytes) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t group = 0;
        for (std::size_t j = 0; j < 3; ++j)
            group =
                group << 8 | (i + j < bytes.size() ? static_cast<std::uint8_t>(bytes[i + j]) : 0U);
        for (std::size_t j = 0; j < 4; ++j)
            out += i + j > bytes.size() ? '=' : digits[group >> (18 - 6 * j) & 63];
    }
    return out;
}

}  // namespace

std::string html_escaped(const std::string& text) {
    std::string out;
    for (char c : text) switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            case '\'':
                out += "&#39;";
                break;
            default:
                out += c;
        }
    return out;
}

Page::Page(std::string title, std::string subtitle)
    : title_(std::move(title)), subtitle_(std::move(subtitle)) {}

void Page::section(const std::string& heading) {
    body_ += "<h2>" + html_escaped(heading) + "</h2>\n";
}

void Page::paragraph(const std::string& text) {
    body_ += "<p>" + html_escaped(text) + "</p>\n";
}

void Page::verdict(bool good, const std::string& text) {
    body_ += std::string("<p class=\"verdict") + (good ? "\">✓ " : " bad\">✗ ") +
             html_escaped(text) + "</p>\n";
}

void Page::figures(const std::vector<std::pair<std::string, std::string>>& value_and_name) {
    body_ += "<div class=\"figures\">";
    for (const auto& [value, name] : value_and_name)
        body_ += "<div><b>" + html_escaped(value) + "</b><span class=\"name\">" +
                 html_escaped(name) + "</span></div>";
    body_ += "</div>\n";
}

void Page::table(const std::vector<std::string>& header, const Rows& rows) {
    body_ += std::string("<div class=\"card scroll\"><table") +
             (header.empty() ? " class=\"pairs\">" : "><tr>");
    for (const auto& h : header) body_ += "<th>" + html_escaped(h) + "</th>";
    if (!header.empty()) body_ += "</tr>";
    for (const auto& row : rows) {
        body_ += "<tr>";
        for (const auto& cell : row) body_ += "<td>" + html_escaped(cell) + "</td>";
        body_ += "</tr>";
    }
    body_ += "</table></div>\n";
}

void Page::code(const std::string& text) {
    body_ += "<pre>" + html_escaped(text) + "</pre>\n";
}

void Page::picture(const std::string& png, const std::string& caption) {
    body_ += "<figure><img alt=\"" + html_escaped(caption) + "\" src=\"data:image/png;base64," +
             base64(png) + "\"><figcaption>" + html_escaped(caption) + "</figcaption></figure>\n";
}

void Page::begin_grid(int width) {
    body_ += "<div class=\"cells\" style=\"--w:" + std::to_string(width) + "px\">\n";
}

void Page::end_grid() {
    body_ += "</div>\n";
}

void Page::cell(const std::string& markup) {
    body_ += "<div class=\"card\">" + markup + "</div>\n";
}

std::string Page::html() const {
    return "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta "
           "name=\"viewport\" "
           "content=\"width=device-width,initial-scale=1\"><title>" +
           html_escaped(title_) + "</title><style>" + kStyle + "</style></head><body><main>\n<h1>" +
           html_escaped(title_) + "</h1><p class=\"sub\">" + html_escaped(subtitle_) + "</p>\n" +
           body_ + "</main></body></html>\n";
}

}  // namespace pushforward
