#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace pushforward {

/// One column of a table, or all entries of an image or array.
struct ColumnReport {
    std::string name;
    double low = 0, high = 0, mean = 0, standard_deviation = 0;  ///< over the finite entries
    std::int64_t not_finite = 0;
    std::string first_not_finite;  ///< its place
    bool text = false;             ///< holds words: `train` refuses it
    std::string first_text;        ///< its place and the word
};

/// What `data inspect` says.
struct Inspection {
    std::string spec, kind;
    std::int64_t count = 0, own_test = 0;
    std::vector<std::int64_t> shape;
    std::string type;
    std::vector<ColumnReport> columns;
    std::vector<std::pair<std::string, std::int64_t>> classes;
    std::int64_t duplicates = 0;     ///< rows that equal an earlier one
    std::vector<std::string> odd;    ///< what a user should know, a line each; empty: nothing
    std::string refused;             ///< why `train` would refuse the data; empty: it would not
    std::vector<std::byte> picture;  ///< PNG with the first items
};

/// Looks at up to 100,000 rows. Reports text and non-finite values instead of refusing them;
/// a file that cannot be read at all is still a DataError.
Inspection inspect_data(const std::string& spec);

std::string to_text(const Inspection& report);

}  // namespace pushforward
