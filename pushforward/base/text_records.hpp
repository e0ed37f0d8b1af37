#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pushforward/base/file.hpp"
#include "pushforward/base/vocabulary.hpp"

namespace pushforward {

/// document: a file is one record, as it stands. lines: each line is one, empty ones too.
/// smiles: the first column of each line that is not blank; a first line whose column says
/// "smiles" is a title. fasta: what stands between header lines, its line breaks and blanks left
/// out, lower case kept; lines of ';' are comments.
enum class TextFormat { document, lines, smiles, fasta };

/// bytes: anything. utf8: UTF-8 (RFC 3629) without NUL; a byte-order mark is skipped.
enum class TextCheck { bytes, utf8 };

struct TextRecord {
    std::string_view text;
    std::string_view name;  ///< FASTA's header, the rest of a SMILES line; else empty
    std::size_t file = 0;   ///< in `TextRecords::files`
    std::size_t byte = 0;   ///< in that file, from 0
    std::int64_t line = 1;  ///< in that file, from 1
};

/// Records in the order of the files and of their lines. They view the files, which may be mapped,
/// or `joined`, where a FASTA sequence spans lines.
struct TextRecords {
    TextFormat format = TextFormat::document;
    std::vector<Blob> files;
    std::shared_ptr<const std::vector<std::string>> joined;
    std::vector<TextRecord> records;

    TextOrigin origin(const TextRecord& record) const {
        return {files[record.file].name, record.byte, record.line};
    }
};

/// What the name (.smi, .smiles; .fasta, .fa, .faa, .fna, .ffn, .a2m, .afa; under .gz too) says, or
/// the content: FASTA when it begins with '>' and the next line looks like a sequence. Else
/// document.
TextFormat text_format(const FilePath& path, std::string_view content);

/// The records of one file, which is unpacked already. DataError names file, line and byte of what
/// is not text, of a SMILES that is not printable ASCII, of a FASTA sequence without header or with
/// another character than letters, '*', '-' and '.', of a header without sequence, and of an empty
/// file.
TextRecords parse_text(const Blob& file, TextFormat format, TextCheck check = TextCheck::bytes);

/// The records of a file (gzip is taken off), or of the files of a folder and its folders that are
/// called *.txt, *.smi, *.fasta and so on (and .gz), in the order of their names, all of one
/// format.
TextRecords read_text(const FilePath& path, TextCheck check = TextCheck::bytes);
TextRecords read_text(const FilePath& path, TextFormat format, TextCheck check);

/// Symbols of many records one after another; record i begins at begins[i].
struct SymbolStream {
    std::vector<Symbol> symbols;
    std::vector<std::int64_t> begins;
};

/// Encodes the records, each between the vocabulary's begin and end marks, where it has them.
/// UsageError when there are several records and no end mark to separate them.
SymbolStream encode_records(const Vocabulary& vocabulary, const TextRecords& records);

/// The characters that are seen in the records; DataError when all are empty.
VocabularyPointer character_vocabulary(const TextRecords& records, const WantedMarks& marks = {});

/// The records' texts.
std::vector<std::string_view> texts_of(const TextRecords& records);

}  // namespace pushforward
