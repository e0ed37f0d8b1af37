#pragma once

#include "pushforward/base/fields.hpp"

#include <string>
#include <utility>
#include <vector>

namespace pushforward {

/// A data SPEC taken apart: `PATH`, `PATH#member` or `sim:NAME`, then `?key=value&key=value`.
struct DataSpecText {
    std::string text;  ///< as it was given
    bool simulator = false;
    std::string path;                                         ///< or the simulator's name
    std::string member;                                       ///< one array of a container
    std::vector<std::pair<std::string, std::string>> values;  ///< %XX is decoded in the values
};

/// A text that names an existing file or folder is that path, whatever characters it holds.
/// UsageError for an empty text, a key without `=`, and `energy:` where data are needed.
DataSpecText parse_data_spec(const std::string& text);

/// The keys that every SPEC understands (a simulator adds its own).
struct RowOptions : Options {
    std::string split = "all";  ///< all, train, validation or test; see data/split.hpp
    std::int64_t n = 0;         ///< at most so many rows (0: all; of a simulator: its own number)
    std::int64_t seed = 0;      ///< of the split, and of a simulator's items
    void visit(Fields& f) override;
};

/// The keys of files.
struct FileOptions : RowOptions {
    std::int64_t size = 0;           ///< images: this many pixels high and wide (0: as they are)
    std::int64_t channels = 0;       ///< images: 1 grey, 3 RGB, 4 RGBA (0: as they are)
    std::string crop = "center";     ///< images: center, none or random
    std::int64_t patches = 1;        ///< crop=random: squares of each image
    std::string label;               ///< tables: the column that is the class
    Fields::Texts context, drop;     ///< tables: columns that are conditions; that are left out
    std::string missing = "refuse";  ///< tables: rows with NaN or no value: refuse or drop
    std::string only;                ///< the rows of this class alone, then without a label
    std::string format;              ///< text: document, lines, smiles, fasta; or table
    std::string vocabulary = "characters";  ///< text: characters, bytes, byte_pairs, or a file
    std::int64_t merges = 1024;             ///< text: how many byte pairs are merged
    std::int64_t rate = 0;                  ///< sound: samples a second (0: as it is)
    std::int64_t length = 0;                ///< sound: samples a row (0: of the longest)
    std::string names;                      ///< sound: "{A}_{B}_{}": classes in files' names
    void visit(Fields& f) override;
};

}  // namespace pushforward
