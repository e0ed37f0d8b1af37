#pragma once

#include "pushforward/base/array.hpp"
#include "pushforward/base/table.hpp"
#include "pushforward/base/text_records.hpp"
#include "pushforward/data/source.hpp"
#include "pushforward/data/spec.hpp"

#include <filesystem>
#include <functional>
#include <optional>

namespace pushforward {

// The kinds of source; `open_data` chooses. Used by data/ alone.

/// The options of a file's SPEC; UsageError on an unknown key or an impossible value.
FileOptions file_options(const DataSpecText& spec);

/// Items 0 .. n-1 of a simulator; its validation and test splits are other items.
std::shared_ptr<const Source> open_simulator(const DataSpecText& spec);

/// A file or folder as a whole, before `split` and `n`; text in symbols of `vocabulary`, or of its
/// own where that is null.
std::shared_ptr<const Source> open_files(const DataSpecText& spec, const FileOptions& options,
                                         const VocabularyPointer& vocabulary);

/// Is it to be read as text, and how? Its name or the key `format` says so, or it is text that is
/// no table of numbers.
std::optional<TextFormat> text_format_of(const std::filesystem::path& path,
                                         const FileOptions& options);
std::shared_ptr<const Source> text_source(const DataSpecText& spec, TextFormat format,
                                          const FileOptions& options, VocabularyPointer vocabulary);

/// Whether a file, or a folder at any depth, is sound that `audio_source` reads: WAV or FLAC.
bool holds_audio(const std::filesystem::path& path);
/// Recordings, one a row, of one channel; subfolders are classes, and so are parts of the files'
/// names that `names` says.
std::shared_ptr<const Source> audio_source(const DataSpecText& spec, const FileOptions& options);

/// Windows of `length` symbols of a stream: first those inside of symbols [0, trained), each begun
/// one place after the other (or further apart where there are millions), then the rest of the
/// stream cut into windows, the last of which may be shorter.
std::shared_ptr<const Source> stream_windows(std::shared_ptr<const Source> stream,
                                             std::int64_t length, std::int64_t trained);
/// Symbols [begin, end) of a stream as one row.
std::shared_ptr<const Source> stream_part(std::shared_ptr<const Source> stream, std::int64_t begin,
                                          std::int64_t end);

/// Rows that lie in memory or in a mapped file, converted when they are asked for.
struct TensorParts {
    std::string name, kind;
    Tensor values;                 ///< [N, ...], of any type
    std::string type = "float32";  ///< its name
    bool channels_last = false;    ///< images are [N, H, W, C]
    double scale = 1;              ///< get() gives values / scale
    Space space;                   ///< of what `get` gives
    std::vector<std::string> columns = {};
    std::vector<Field> fields = {};  ///< conditions, with
    std::vector<Tensor> given = {};  ///< their values [N] or [N, event...]
    std::shared_ptr<const Source> test = {};
    std::vector<std::string> notes = {};
    std::int64_t rate = 0;  ///< samples a second, for sound
};
std::shared_ptr<const Source> tensor_source(TensorParts parts);

/// A tensor that shares the array's bytes; unsigned types wider than a byte are copied to float32
/// or float64.
Tensor tensor_of(const Array& array);

/// The array as items: [N] and [N, D] are vectors; [N, H, W] grey images; [N, C, H, W] images when
/// C is 1, 3 or 4, else [N, H, W, C] when that is. Bytes of images are divided by 255.
TensorParts array_parts(const std::string& name, const Array& array);

/// Labels [N]: integers 0 .. K-1 as they stand, anything else numbered in ascending order.
void add_label(TensorParts& parts, const Array& labels, const std::string& place,
               std::vector<std::string> names = {});

std::shared_ptr<const Source> table_source(const std::string& name, const Table& table,
                                           const FileOptions& options);

/// Encoded pictures that are decoded when they are asked for.
struct Pictures {
    struct File {
        std::string name;    ///< relative, with folders; for messages and the stamp
        std::string folder;  ///< its class; "" when there are no classes
        std::uint64_t bytes = 0;
        std::int64_t height = 0, width = 0, channels = 0;
    };
    std::string name, kind;
    std::vector<File> files;
    std::function<Blob(const std::string& name)> read;  ///< thread-safe
    std::shared_ptr<const Source> test = {};
};
std::shared_ptr<const Source> picture_source(Pictures pictures, const FileOptions& options);

}  // namespace pushforward
