#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pushforward/base/file.hpp"

namespace pushforward {

/// One column: numeric when every cell is a number or missing, else text.
struct Column {
    struct Cell {
        std::int64_t line = 0;  ///< of the file, from 1
        std::string text;
    };

    std::string name;
    bool numeric = true;
    std::vector<double> numbers;          ///< when numeric; missing cells are NaN
    std::vector<std::string> texts;       ///< otherwise
    std::optional<Cell> first_text;       ///< the first cell that is no number
    std::vector<std::int64_t> missing;    ///< rows (from 0) whose cell is empty, NA, N/A, null or ?
    std::vector<std::int64_t> nonfinite;  ///< rows whose cell says nan or inf
};

/// A table of a text file.
struct Table {
    std::vector<Column> columns;
    std::int64_t rows = 0;
    bool header = false;              ///< names come from the first line; else "column_1", ...
    char delimiter = ',';             ///< ',', ';', '|', '\t', or ' ' for runs of blanks
    std::vector<std::int64_t> lines;  ///< of the file, from 1, on which each row begins

    const Column* find(const std::string& name) const;
};

/// Reads CSV (RFC 4180, 2005), TSV and tables of blank-separated columns, told from the content; a
/// byte-order mark is skipped, and so are lines of `#` in blank-separated tables. DataError names
/// the line of a row with more or fewer cells than the first, of a quote left open, and of bytes
/// that are not UTF-8 text.
Table read_table(const Blob& blob);

}  // namespace pushforward
