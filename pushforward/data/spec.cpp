#include "pushforward/data/spec.hpp"

#include "pushforward/base/errors.hpp"

#include <filesystem>

namespace pushforward {
namespace {

int hexadecimal(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/// %XX is the character of that code, so that values may hold & and =.
std::string decoded(const std::string& value, const std::string& spec) {
    std::string out;
    for (std::size_t i = 0; i < value.size(); ++i) {
        if (value[i] != '%') {
            out += value[i];
            continue;
        }
        const int high = i + 2 < value.size() ? hexadecimal(value[i + 1]) : -1;
        const int low = high >= 0 ? hexadecimal(value[i + 2]) : -1;
        if (low < 0)
            throw UsageError(text("data ", spec, ": expected two hexadecimal digits after %, got ",
                                  value.substr(i)));
        out += static_cast<char>(16 * high + low);
        i += 2;
    }
    return out;
}

bool exists(const std::string& path) {
    std::error_code ignored;
    return std::filesystem::exists(path, ignored);
}

}  // namespace

DataSpecText parse_data_spec(const std::string& spec) {
    if (spec.empty()) throw UsageError("data: expected a path or sim:NAME, got nothing");
    DataSpecText out;
    out.text = spec;
    if (exists(spec)) {
        out.path = spec;
        return out;
    }
    std::string path = spec;
    // the query begins at the last ? whose left side exists, or at the first one
    auto question = path.find('?');
    for (auto at = question; at != std::string::npos; at = path.find('?', at + 1))
        if (exists(path.substr(0, at))) question = at;
    std::string query;
    if (question != std::string::npos) {
        query = path.substr(question + 1);
        path.resize(question);
    }
    for (std::size_t from = 0; from < query.size();) {
        const auto to = std::min(query.find('&', from), query.size());
        const std::string pair = query.substr(from, to - from);
        const auto equals = pair.find('=');
        if (equals == std::string::npos || equals == 0)
            throw UsageError(text("data ", spec, ": expected key=value after ?, got '", pair, "'"));
        out.values.emplace_back(pair.substr(0, equals), decoded(pair.substr(equals + 1), spec));
        from = to + 1;
    }
    if (path.rfind("energy:", 0) == 0)
        throw UsageError(text("data ", spec,
                              ": expected data (a path or sim:NAME), got an "
                              "unnormalised density; no model here learns from energies yet"));
    if (path.rfind("sim:", 0) == 0) {
        out.simulator = true;
        out.path = path.substr(4);
        return out;
    }
    const auto hash = path.rfind('#');
    if (!exists(path) && hash != std::string::npos) {
        out.member = path.substr(hash + 1);
        path.resize(hash);
    }
    out.path = path;
    return out;
}

void RowOptions::visit(Fields& f) {
    f.choice("split", split, {"all", "train", "validation", "test"},
             {"which rows; all: everything but the data's own test set"});
    f.integer("n", n, {"at most so many rows, chosen by the seed; 0: all", "rows", 0});
    f.integer("seed", seed, {"of the split and the choice, or of a simulator's items", "", 0});
}

void FileOptions::visit(Fields& f) {
    RowOptions::visit(f);
    f.integer("size", size, {"images: height and width; 0: as they are", "pixels", 0, 4096});
    f.integer("channels", channels, {"images: 1 grey, 3 RGB, 4 RGBA; 0: as they are", "", 0, 4});
    f.choice("crop", crop, {"center", "none", "random"},
             {"images: cut out the largest square in the middle, stretch, or cut squares of `size` "
              "pixels anywhere, as they are"});
    f.integer("patches", patches, {"crop=random: squares of each image", "", 1, 1000000});
    f.text("label", label, {"tables: the column that is the class"});
    f.texts("context", context, {"tables: columns that are conditions"});
    f.texts("drop", drop, {"tables: columns that are left out"});
    f.text("only", only, {"the rows of this class alone, which is then no condition"});
    f.choice("missing", missing, {"refuse", "drop"}, {"tables: rows with a missing value"});
    f.choice("format", format, {"", "table", "document", "lines", "smiles", "fasta"},
             {"how text is read; empty: as its name and content say"});
    f.text("vocabulary", vocabulary,
           {"text: characters, bytes, byte_pairs, a SentencePiece model, or a folder with GPT-2's "
            "vocab.json and merges.txt"});
    f.integer("rate", rate, {"sound: samples a second that it is brought to", "Hz", 0, 1000000});
    f.integer("length", length,
              {"sound: a recording's first samples; 0: as many as the longest has", "samples", 0});
    f.text("names", names,
           {"sound: conditions in the files' names, as in {digit}_{speaker}_{}; {} is left out"});
    f.integer("merges", merges, {"text: pairs that byte_pairs merges", "", 0, 1000000});
}

}  // namespace pushforward
