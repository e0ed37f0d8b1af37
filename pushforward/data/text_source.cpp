#include "pushforward/base/byte_pairs.hpp"
#include "pushforward/base/checksum.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/gzip.hpp"
#include "pushforward/base/recipe_text.hpp"
#include "pushforward/base/sentencepiece.hpp"
#include "pushforward/base/sniff.hpp"
#include "pushforward/base/table.hpp"
#include "pushforward/data/sources.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cstdlib>
#include <utility>
#include <vector>

namespace pushforward {
namespace {

namespace fs = std::filesystem;

const std::vector<std::pair<std::string, TextFormat>> formats = {{"document", TextFormat::document},
                                                                 {"lines", TextFormat::lines},
                                                                 {"smiles", TextFormat::smiles},
                                                                 {"fasta", TextFormat::fasta}};

const char* name_of(TextFormat format) {
    for (const auto& [name, value] : formats)
        if (value == format) return name.c_str();
    return "text";
}

/// Records of symbols, one a row; -1 beyond the end of the shorter ones of a batch.
class TextSource : public Source {
public:
    TextSource(std::string name, TextFormat format, std::int64_t records, SymbolStream stream,
               VocabularyPointer vocabulary)
        : name_(std::move(name)),
          format_(format),
          stream_(std::move(stream)),
          vocabulary_(std::move(vocabulary)) {
        stream_.begins.push_back(static_cast<std::int64_t>(stream_.symbols.size()));
        PF_CHECK(size() == records, name_, text(records, " records"), size());
        spec_.x = {Kind::symbol, {-1}, vocabulary_->size(), vocabulary_->marks().end.value_or(-1)};
    }

    const DataSpec& spec() const override { return spec_; }
    std::int64_t size() const override {
        return static_cast<std::int64_t>(stream_.begins.size()) - 1;
    }
    std::string name() const override { return name_; }
    std::string type() const override { return vocabulary_->kind(); }
    std::string kind() const override {
        return text(name_of(format_), " text, ", size(), size() == 1 ? " record, " : " records, ",
                    stream_.symbols.size(), " symbols of ", vocabulary_->size(), " (",
                    vocabulary_->kind(), ")");
    }
    std::string stamp() const override {
        return sha256(std::as_bytes(std::span(stream_.symbols))) + vocabulary_->identity();
    }
    VocabularyPointer vocabulary() const override { return vocabulary_; }
    std::span<const Symbol> stream() const override {
        return format_ == TextFormat::document ? std::span<const Symbol>(stream_.symbols)
                                               : std::span<const Symbol>();
    }

    Batch get(std::span<const std::int64_t> rows) const override {
        std::int64_t longest = 0;
        for (const auto row : rows) {
            PF_CHECK(row >= 0 && row < size(), name_, text("a row below ", size()), row);
            longest = std::max(longest, begin(row + 1) - begin(row));
        }
        Batch batch;
        batch.x = torch::full({static_cast<std::int64_t>(rows.size()), longest}, -1, torch::kLong);
        auto* to = batch.x.data_ptr<std::int64_t>();
        for (const auto row : rows) {
            std::copy(stream_.symbols.begin() + begin(row),
                      stream_.symbols.begin() + begin(row + 1), to);
            to += longest;
        }
        batch.index = torch::tensor(at::ArrayRef<std::int64_t>(rows.data(), rows.size()));
        return batch;
    }

private:
    std::int64_t begin(std::int64_t row) const {
        return stream_.begins[static_cast<std::size_t>(row)];
    }

    std::string name_;
    TextFormat format_;
    SymbolStream stream_;
    VocabularyPointer vocabulary_;
    DataSpec spec_;
};

/// A folder with GPT-2's two files, or a SentencePiece model.
VocabularyPointer vocabulary_of_files(const std::string& path, const std::string& spec) {
    std::error_code ignored;
    if (fs::is_directory(path, ignored)) {
        const fs::path folder = path;
        return read_gpt2_vocabulary(open_file(folder / "vocab.json"),
                                    open_file(folder / "merges.txt"));
    }
    if (fs::is_regular_file(path, ignored)) return read_sentencepiece(open_file(path));
    throw UsageError(text("data ", spec, ": vocabulary=", path,
                          ": expected characters, bytes, byte_pairs, a SentencePiece model or a "
                          "folder with vocab.json and merges.txt"));
}

VocabularyPointer make_vocabulary(const TextRecords& records, const FileOptions& options,
                                  const std::string& spec) {
    const bool alone = records.format == TextFormat::document && records.records.size() == 1;
    const WantedMarks marks{.end = !alone};
    if (options.vocabulary == "bytes") return byte_vocabulary(marks);
    if (options.vocabulary == "characters") return character_vocabulary(records, marks);
    if (options.vocabulary == "byte_pairs")
        return byte_pair_vocabulary(learn_byte_pairs(texts_of(records), options.merges),
                                    Split::ascii, marks);
    return vocabulary_of_files(options.vocabulary, spec);
}

/// The cells of a line as a table would have them.
bool is_number(std::string_view cell) {
    while (!cell.empty() && (cell.front() == ' ' || cell.front() == '"')) cell.remove_prefix(1);
    while (!cell.empty() && (cell.back() == ' ' || cell.back() == '"' || cell.back() == '\r'))
        cell.remove_suffix(1);
    if (cell.empty()) return false;
    const std::string copy(cell);
    char* end = nullptr;
    std::strtod(copy.c_str(), &end);
    return end == copy.c_str() + copy.size();
}

/// Does one of the first lines hold mostly numbers? Then it is a table, perhaps with a header.
bool looks_like_table(std::string_view head) {
    constexpr int looked = 4;
    for (int line = 0; line < looked && !head.empty(); ++line) {
        const std::size_t end = std::min(head.find('\n'), head.size());
        std::string_view row = head.substr(0, end);
        head.remove_prefix(std::min(end + 1, head.size()));
        std::size_t cells = 0, numbers = 0;
        while (!row.empty()) {
            const std::size_t cut = std::min(row.find_first_of(",;|\t "), row.size());
            if (const auto cell = row.substr(0, cut); !cell.empty() && cell != "\r") {
                ++cells;
                numbers += is_number(cell) ? 1 : 0;
            }
            row.remove_prefix(std::min(cut + 1, row.size()));
        }
        if (cells > 0 && 2 * numbers >= cells) return true;
    }
    return false;
}

}  // namespace

std::optional<TextFormat> text_format_of(const fs::path& path, const FileOptions& options) {
    if (options.format == "table") return {};
    for (const auto& [name, format] : formats)
        if (options.format == name) return format;
    std::error_code ignored;
    if (fs::is_directory(path, ignored)) return TextFormat::document;
    fs::path plain = path;
    if (plain.extension() == ".gz") plain = plain.stem();
    for (const char* table : {".csv", ".tsv", ".data", ".dat"})
        if (plain.extension() == table) return {};
    const Blob mapped = map_file(path);
    constexpr std::size_t looked = 1 << 16;
    const Buffer unpacked = is_gzip(mapped.bytes) ? gunzip_head(mapped, looked) : Buffer();
    const Bytes head = is_gzip(mapped.bytes)
                           ? Bytes(unpacked)
                           : mapped.bytes.subspan(0, std::min(looked, mapped.bytes.size()));
    if (sniff(head) != FileKind::text) return {};
    const std::string_view content(reinterpret_cast<const char*>(head.data()), head.size());
    const TextFormat format = text_format(path, content);
    if (format == TextFormat::document && looks_like_table(content)) return {};
    return format;
}

std::shared_ptr<const Source> text_source(const DataSpecText& spec, TextFormat format,
                                          const FileOptions& options,
                                          VocabularyPointer vocabulary) {
    const bool bytes =
        vocabulary ? vocabulary->kind() != "characters" : options.vocabulary != "characters";
    const TextCheck check = bytes ? TextCheck::bytes : TextCheck::utf8;
    const TextRecords records = fs::is_directory(spec.path) && options.format.empty()
                                    ? read_text(spec.path, check)
                                    : read_text(spec.path, format, check);
    if (!vocabulary) vocabulary = make_vocabulary(records, options, spec.text);
    return std::make_shared<TextSource>(spec.path, records.format,
                                        static_cast<std::int64_t>(records.records.size()),
                                        encode_records(*vocabulary, records), vocabulary);
}

}  // namespace pushforward
