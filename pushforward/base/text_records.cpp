#include "pushforward/base/text_records.hpp"

#include <algorithm>
#include <cctype>
#include <optional>

#include "pushforward/base/errors.hpp"
#include "pushforward/base/gzip.hpp"

namespace pushforward {
namespace {

namespace fs = std::filesystem;

bool blank(char c) {
    return c == ' ' || c == '\t' || c == '\v' || c == '\f';
}
bool letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool residue(char c) {
    return letter(c) || c == '*' || c == '-' || c == '.';
}

std::string lower(std::string_view s) {
    std::string out(s);
    for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return out;
}

std::string quoted(char c) {
    const bool shown = c > ' ' && c < 127;
    return shown ? std::string("'") + c + "'"
                 : text("the byte ", static_cast<int>(static_cast<unsigned char>(c)));
}

struct Line {
    std::string_view text;  // without its end
    std::size_t byte = 0;
    std::int64_t number = 0;
};

/// The lines of a text, which end with \n or \r\n.
class Lines {
public:
    Lines(std::string_view text, std::size_t from) : text_(text), at_(from) {}

    bool next(Line& line) {
        if (at_ >= text_.size()) return false;
        const std::size_t end = std::min(text_.find('\n', at_), text_.size());
        line = {text_.substr(at_, end - at_), at_, ++number_};
        if (line.text.ends_with('\r')) line.text.remove_suffix(1);
        at_ = end + 1;
        return true;
    }

private:
    std::string_view text_;
    std::size_t at_;
    std::int64_t number_ = 0;
};

/// Parses one file; `file` is its number among `out.files`.
class Parser {
public:
    Parser(TextRecords& out, std::vector<std::string>& joined, std::size_t file)
        : out_(out), joined_(joined), file_(file), blob_(out.files[file]), text_(blob_.text()) {}

    void parse(TextCheck check) {
        if (check == TextCheck::utf8) {
            if (text_.starts_with("\xEF\xBB\xBF")) start_ = 3;
            if (const std::size_t bad = find_invalid_utf8(text_); bad != text_.npos)
                throw refuse(bad, "expected UTF-8 text, got " + quoted(text_[bad]));
            if (const std::size_t bad = text_.find('\0'); bad != text_.npos)
                throw refuse(bad, "expected text, got a NUL byte");
        }
        const std::size_t before = out_.records.size();
        switch (out_.format) {
            case TextFormat::document:
                if (start_ < text_.size()) add(text_.substr(start_), {}, start_, 1);
                break;
            case TextFormat::lines:
                for (Lines lines(text_, start_); lines.next(line_);)
                    add(line_.text, {}, line_.byte, line_.number);
                break;
            case TextFormat::smiles:
                smiles();
                break;
            case TextFormat::fasta:
                fasta();
        }
        if (out_.records.size() == before)
            throw DataError(blob_.name, "", "expected text, got none");
    }

private:
    DataError refuse(std::size_t at, const std::string& what) const {
        return DataError(blob_.name, TextOrigin().place(text_, at), what);
    }
    void add(std::string_view text, std::string_view name, std::size_t byte, std::int64_t line) {
        out_.records.push_back({text, name, file_, byte, line});
    }

    void smiles() {
        for (Lines lines(text_, start_); lines.next(line_);) {
            std::size_t begin = 0;
            while (begin < line_.text.size() && blank(line_.text[begin])) ++begin;
            std::size_t end = begin;
            while (end < line_.text.size() && !blank(line_.text[end])) ++end;
            if (begin == end) continue;
            const std::string_view found = line_.text.substr(begin, end - begin);
            if (line_.number == 1 && lower(found) == "smiles") continue;
            for (std::size_t k = 0; k < found.size(); ++k)
                if (found[k] <= ' ' || found[k] >= 127)
                    throw refuse(line_.byte + begin + k,
                                 "expected a SMILES of printable ASCII, got " + quoted(found[k]));
            std::string_view name = line_.text.substr(end);
            while (!name.empty() && blank(name.front())) name.remove_prefix(1);
            while (!name.empty() && blank(name.back())) name.remove_suffix(1);
            add(found, name, line_.byte + begin, line_.number);
        }
    }

    void fasta() {
        bool first = true;
        Line header;
        std::string_view piece;  // the sequence so far, while it is one piece of the file
        std::string copy;        // once it is several
        std::size_t begin = 0;
        std::int64_t begin_line = 0;
        const auto finish = [&] {
            if (first) return;
            if (piece.empty() && copy.empty())
                throw refuse(header.byte, "expected a sequence after the header, got none");
            if (!copy.empty()) joined_.push_back(std::move(copy));
            // Views of `joined_` are set at the end, when it does not move any more.
            add(piece, header.text, begin, begin_line);
            if (piece.empty()) out_.records.back().byte = begin;
            piece = {};
            copy.clear();
        };
        for (Lines lines(text_, start_); lines.next(line_);) {
            if (line_.text.starts_with(';')) continue;
            if (line_.text.starts_with('>')) {
                finish();
                first = false;
                header = line_;
                header.text.remove_prefix(1);
                continue;
            }
            for (std::size_t k = 0; k < line_.text.size();) {
                if (blank(line_.text[k])) {
                    ++k;
                    continue;
                }
                const std::size_t from = k;
                while (k < line_.text.size() && residue(line_.text[k])) ++k;
                if (k == from)
                    throw refuse(line_.byte + k,
                                 "expected a letter, '*', '-' or '.' of a sequence, got " +
                                     quoted(line_.text[k]));
                if (first)
                    throw refuse(line_.byte + from, "expected a header that begins with '>'");
                const std::string_view part = line_.text.substr(from, k - from);
                if (piece.empty() && copy.empty()) {
                    piece = part;
                    begin = line_.byte + from;
                    begin_line = line_.number;
                } else {
                    if (copy.empty()) copy = piece;
                    piece = {};
                    copy += part;
                }
            }
        }
        finish();
    }

    TextRecords& out_;
    std::vector<std::string>& joined_;
    std::size_t file_;
    const Blob& blob_;
    std::string_view text_;
    std::size_t start_ = 0;
    Line line_;
};

TextRecords parse_all(std::vector<Blob> files, TextFormat format, TextCheck check) {
    TextRecords out;
    out.format = format;
    out.files = std::move(files);
    auto joined = std::make_shared<std::vector<std::string>>();
    for (std::size_t i = 0; i < out.files.size(); ++i) Parser(out, *joined, i).parse(check);
    if (format == TextFormat::fasta) {
        std::size_t next = 0;
        for (auto& record : out.records)
            if (record.text.empty()) record.text = (*joined)[next++];
    }
    out.joined = std::move(joined);
    return out;
}

/// The name's ending in lower case, before .gz: ".smi".
std::string ending(const FilePath& path) {
    FilePath name = path.filename();
    if (lower(name.extension().string()) == ".gz") name = name.stem();
    return lower(name.extension().string());
}

std::optional<TextFormat> format_of_name(const FilePath& path) {
    const std::string end = ending(path);
    for (const char* e : {".smi", ".smiles"})
        if (end == e) return TextFormat::smiles;
    for (const char* e : {".fasta", ".fa", ".faa", ".fna", ".ffn", ".a2m", ".afa"})
        if (end == e) return TextFormat::fasta;
    if (end == ".txt") return TextFormat::document;
    return {};
}

std::vector<FilePath> text_files(const FilePath& folder) {
    std::vector<FilePath> out;
    std::error_code error;
    for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end;
         at.increment(error))
        if (at->is_regular_file() && format_of_name(at->path())) out.push_back(at->path());
    if (error) throw DataError(folder.string(), "", "cannot be listed: " + error.message());
    if (out.empty()) throw DataError(folder.string(), "", "expected .txt, .smi or .fasta files");
    std::sort(out.begin(), out.end());
    return out;
}

}  // namespace

TextFormat text_format(const FilePath& path, std::string_view content) {
    const auto named = format_of_name(path);
    if (named && *named != TextFormat::document) return *named;
    Line header, sequence;
    Lines lines(content, 0);
    if (!content.starts_with('>') || !lines.next(header) || !lines.next(sequence) ||
        sequence.text.empty())
        return TextFormat::document;
    return std::all_of(sequence.text.begin(), sequence.text.end(), residue) ? TextFormat::fasta
                                                                            : TextFormat::document;
}

TextRecords parse_text(const Blob& file, TextFormat format, TextCheck check) {
    return parse_all({file}, format, check);
}

TextRecords read_text(const FilePath& path, TextFormat format, TextCheck check) {
    std::vector<Blob> files;
    if (!fs::is_directory(path)) {
        files.push_back(open_file(path));
    } else {
        for (const auto& file : text_files(path)) files.push_back(open_file(file));
    }
    return parse_all(std::move(files), format, check);
}

TextRecords read_text(const FilePath& path, TextCheck check) {
    const std::vector<FilePath> paths =
        fs::is_directory(path) ? text_files(path) : std::vector<FilePath>{path};
    std::vector<Blob> files;
    TextFormat format = TextFormat::document;
    for (const auto& file : paths) {
        files.push_back(open_file(file));
        const TextFormat found = text_format(file, files.back().text());
        if (files.size() > 1 && found != format)
            throw DataError(file.string(), "",
                            "expected text of the same format as " + paths[0].string());
        format = found;
    }
    return parse_all(std::move(files), format, check);
}

SymbolStream encode_records(const Vocabulary& vocabulary, const TextRecords& records) {
    const Marks& marks = vocabulary.marks();
    PF_CHECK(marks.end || records.records.size() == 1, "encode_records",
             "a vocabulary with an end mark for several records", "one without");
    SymbolStream out;
    out.begins.reserve(records.records.size());
    for (const TextRecord& record : records.records) {
        out.begins.push_back(static_cast<std::int64_t>(out.symbols.size()));
        if (marks.begin) out.symbols.push_back(*marks.begin);
        vocabulary.encode(record.text, out.symbols, records.origin(record));
        if (marks.end) out.symbols.push_back(*marks.end);
    }
    return out;
}

std::vector<std::string_view> texts_of(const TextRecords& records) {
    std::vector<std::string_view> out;
    for (const TextRecord& record : records.records) out.push_back(record.text);
    return out;
}

VocabularyPointer character_vocabulary(const TextRecords& records, const WantedMarks& marks) {
    std::vector<TextOrigin> origins;
    bool any = false;
    for (const TextRecord& record : records.records) {
        origins.push_back(records.origin(record));
        any = any || !record.text.empty();
    }
    if (!any)
        throw DataError(records.files.empty() ? "text" : records.files[0].name, "",
                        "expected records with characters, all are empty");
    return character_vocabulary(texts_of(records), marks, origins);
}

}  // namespace pushforward
