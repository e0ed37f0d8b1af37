#include "pushforward/base/table.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <deque>
#include <set>
#include <string_view>
#include <utility>

#include "pushforward/base/errors.hpp"
#include "pushforward/base/utf8.hpp"

namespace pushforward {
namespace {

constexpr std::size_t max_columns = 65536;
constexpr int sampled_rows = 20;  // that the delimiter is told from

using Cells = std::vector<std::string_view>;

bool blank(char c) {
    return c == ' ' || c == '\t';
}

std::string_view trimmed(std::string_view s) {
    while (!s.empty() && blank(s.front())) s.remove_prefix(1);
    while (!s.empty() && blank(s.back())) s.remove_suffix(1);
    return s;
}

/// Yields the rows of a text one by one; cells are views of the text or of `unquoted_`.
class Rows {
public:
    Rows(const std::string& file, std::string_view text, char delimiter)
        : file_(file), text_(text), delimiter_(delimiter) {}

    /// The line on which the row that `next` gave last begins, from 1.
    std::int64_t line() const { return row_line_; }

    bool next(Cells& cells) {
        cells.clear();
        unquoted_.clear();
        skip_empty_lines();
        if (at_ == text_.size()) return false;
        row_line_ = line_;
        if (delimiter_ == ' ') skip_blanks();
        for (;;) {
            if (cells.size() == max_columns)
                throw refuse(row_line_, text("expected at most ", max_columns, " columns"));
            cells.push_back(peek() == '"' ? quoted() : plain());
            if (delimiter_ == ' ') skip_blanks();
            if (ended()) break;
            if (delimiter_ != ' ') ++at_;  // past the delimiter
        }
        end_line();
        return true;
    }

private:
    DataError refuse(std::int64_t line, const std::string& what) const {
        return DataError(file_, text("line ", line), what);
    }
    char peek() const { return at_ < text_.size() ? text_[at_] : '\n'; }
    bool ended() const { return peek() == '\n' || peek() == '\r'; }
    bool at_delimiter() const { return delimiter_ == ' ' ? blank(peek()) : peek() == delimiter_; }
    void skip_blanks() {
        while (blank(peek())) ++at_;
    }
    void end_line() {
        // \n, \r\n or \r, or the end of the text.
        if (text_.substr(at_).starts_with("\r\n")) ++at_;
        if (at_ < text_.size()) ++at_;
        ++line_;
    }
    void skip_empty_lines() {
        while (at_ < text_.size()) {
            const std::size_t start = at_;
            while (peek() == ' ' || (peek() == '\t' && delimiter_ != '\t')) ++at_;
            const bool comment = delimiter_ == ' ' && peek() == '#';
            while (comment && !ended()) ++at_;
            if (!ended()) {
                at_ = start;
                return;
            }
            if (at_ < text_.size()) end_line();
        }
    }
    std::string_view plain() {
        const std::size_t start = at_;
        while (!ended() && !at_delimiter()) ++at_;
        return trimmed(text_.substr(start, at_ - start));
    }
    std::string_view quoted() {
        const std::int64_t opened = line_;
        std::size_t start = ++at_;
        std::string* copy = nullptr;  // once a doubled quote was seen
        for (;; ++at_) {
            if (at_ == text_.size()) throw refuse(opened, "expected a closing quote");
            if (text_[at_] == '\n') ++line_;
            if (text_[at_] != '"') continue;
            const std::string_view piece = text_.substr(start, at_ - start);
            ++at_;
            const bool doubled = peek() == '"';
            if (doubled && !copy) copy = &unquoted_.emplace_back();
            if (copy) copy->append(piece);
            if (!doubled) {
                if (!ended() && !at_delimiter())
                    throw refuse(line_, "expected the end of a cell after its closing quote");
                return copy ? std::string_view(*copy) : piece;
            }
            copy->push_back('"');
            start = at_ + 1;
        }
    }

    const std::string& file_;
    std::string_view text_;
    char delimiter_;
    std::size_t at_ = 0;
    std::int64_t line_ = 1, row_line_ = 1;
    std::deque<std::string> unquoted_;
};

bool is_missing(std::string_view cell) {
    for (const char* word : {"", "NA", "N/A", "null", "NULL", "None", "?"})
        if (cell == word) return true;
    return false;
}

/// The number that the whole cell says; beyond the range of doubles it is infinite, or zero.
bool read_number(std::string_view cell, double& value) {
    cell = trimmed(cell);
    if (cell.starts_with('+') && !cell.starts_with("+-")) cell.remove_prefix(1);
    const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
    if (cell.empty() || end != cell.data() + cell.size()) return false;
    if (error == std::errc::result_out_of_range)
        value = std::strtod(std::string(cell).c_str(), nullptr);
    return error == std::errc() || error == std::errc::result_out_of_range;
}

bool is_number(std::string_view cell) {
    double ignored = 0;
    return read_number(cell, ignored);
}

/// How many cells the first rows have under a delimiter.
struct Sample {
    std::size_t columns = 0;
    bool even = true, numeric = true;  // all rows alike; all cells of the first row numbers
};

Sample sample(const std::string& file, std::string_view text, char delimiter) {
    Sample out;
    try {
        Rows rows(file, text, delimiter);
        Cells cells;
        for (int i = 0; i < sampled_rows && rows.next(cells); ++i) {
            if (i == 0) {
                out.columns = cells.size();
                out.numeric = std::all_of(cells.begin(), cells.end(), is_number);
            }
            out.even = out.even && cells.size() == out.columns;
        }
    } catch (const DataError&) {
        out.even = false;
    }
    return out;
}

char find_delimiter(const std::string& file, std::string_view text) {
    constexpr char candidates[] = {'\t', ',', ';', '|', ' '};
    for (const bool even : {true, false})
        for (const char delimiter : candidates) {
            const Sample found = sample(file, text, delimiter);
            // Prose has blanks too: without even rows they separate only numbers.
            if (found.columns > 1 && (found.even || (!even && (delimiter != ' ' || found.numeric))))
                return delimiter;
        }
    return ',';
}

/// What the rows after the first say of a column.
struct Survey {
    bool numeric = true, any = false, first_again = false;
    std::optional<Column::Cell> first_text;
};

/// Is the first row one of names? Yes when some name stands above numbers, and numbers among the
/// names (years, say) are whole and few; in a table of texts, when no name comes again below.
bool is_header(const std::vector<std::string>& first, const std::vector<Survey>& below) {
    std::size_t numbers = 0, above_numbers = 0;
    bool whole = true, again = false, gaps = false;
    for (std::size_t c = 0; c < first.size(); ++c) {
        double value = 0;
        if (read_number(first[c], value)) {
            ++numbers;
            whole = whole && std::isfinite(value) && value == std::floor(value);
        } else if (!is_missing(first[c]) && below[c].any && below[c].numeric) {
            ++above_numbers;
        }
        again = again || below[c].first_again;
        gaps = gaps || is_missing(first[c]);
    }
    if (above_numbers > 0) return whole && 2 * numbers <= first.size();
    const std::set<std::string> distinct(first.begin(), first.end());
    return numbers == 0 && !gaps && !again && first.size() > 1 && distinct.size() == first.size();
}

std::vector<Column> named(const std::vector<std::string>& first, bool header) {
    std::vector<Column> columns(first.size());
    std::set<std::string> taken;
    for (std::size_t c = 0; c < first.size(); ++c) {
        const std::string base =
            header && !first[c].empty() ? first[c] : "column_" + std::to_string(c + 1);
        columns[c].name = base;
        for (int k = 1; !taken.insert(columns[c].name).second; ++k)
            columns[c].name = base + "." + std::to_string(k);
    }
    return columns;
}

void check_text(const Blob& blob) {
    const std::string_view text = blob.text();
    const std::size_t bad = std::min(find_invalid_utf8(text), text.find('\0'));
    if (bad == std::string_view::npos) return;
    const auto line =
        1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(bad), '\n');
    throw DataError(blob.name, pushforward::text("line ", line),
                    pushforward::text("expected UTF-8 text, got byte ",
                                      static_cast<int>(static_cast<unsigned char>(text[bad]))));
}

}  // namespace

const Column* Table::find(const std::string& name) const {
    const auto found = std::find_if(columns.begin(), columns.end(),
                                    [&](const Column& column) { return column.name == name; });
    return found == columns.end() ? nullptr : &*found;
}

Table read_table(const Blob& blob) {
    check_text(blob);
    std::string_view text = blob.text();
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    Table table;
    table.delimiter = find_delimiter(blob.name, text);

    // First pass: shape and types.
    Cells cells;
    std::vector<std::string> first;
    std::vector<Survey> below;
    std::int64_t first_line = 0;
    for (Rows rows(blob.name, text, table.delimiter); rows.next(cells);) {
        if (first.empty()) {
            first.assign(cells.begin(), cells.end());
            below.resize(cells.size());
            first_line = rows.line();
            continue;
        }
        if (cells.size() != first.size())
            throw DataError(
                blob.name, pushforward::text("line ", rows.line()),
                pushforward::text("expected ", first.size(), " cells, got ", cells.size()));
        ++table.rows;
        for (std::size_t c = 0; c < cells.size(); ++c) {
            Survey& column = below[c];
            column.first_again = column.first_again || cells[c] == first[c];
            if (is_missing(cells[c])) continue;
            column.any = true;
            if (!column.numeric || is_number(cells[c])) continue;
            column.numeric = false;
            column.first_text = {rows.line(), std::string(cells[c])};
        }
    }
    if (first.empty()) throw DataError(blob.name, "", "expected a table, got no line of text");
    table.header = is_header(first, below);
    table.columns = named(first, table.header);
    if (!table.header) ++table.rows;
    for (std::size_t c = 0; c < first.size(); ++c) {
        Column& column = table.columns[c];
        const bool text_on_top = !table.header && !is_missing(first[c]) && !is_number(first[c]);
        column.numeric = below[c].numeric && !text_on_top;
        column.first_text = below[c].first_text;
        if (text_on_top) column.first_text = {first_line, first[c]};
        (column.numeric ? column.numbers.reserve(static_cast<std::size_t>(table.rows))
                        : column.texts.reserve(static_cast<std::size_t>(table.rows)));
    }

    // Second pass: values.
    Rows rows(blob.name, text, table.delimiter);
    if (table.header) rows.next(cells);
    for (std::int64_t row = 0; rows.next(cells); ++row) {
        table.lines.push_back(rows.line());
        for (std::size_t c = 0; c < cells.size(); ++c) {
            Column& column = table.columns[c];
            const bool missing = is_missing(cells[c]);
            if (missing) column.missing.push_back(row);
            if (!column.numeric) {
                column.texts.emplace_back(cells[c]);
                continue;
            }
            double value = std::nan("");
            if (!missing && read_number(cells[c], value) && !std::isfinite(value))
                column.nonfinite.push_back(row);
            column.numbers.push_back(value);
        }
    }
    return table;
}

}  // namespace pushforward
