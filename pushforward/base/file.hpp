#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pushforward {

using FilePath = std::filesystem::path;
using Bytes = std::span<const std::byte>;
using Buffer = std::vector<std::byte>;

/// Bytes to be read, what keeps them alive (a buffer or a mapped file), and the name that messages
/// give them. Every reader of a format takes one; arrays that it returns may view it.
struct Blob {
    std::string name;
    std::shared_ptr<const void> owner;
    Bytes bytes;

    std::string_view text() const {
        return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    }
};

Blob blob_of(std::string name, Buffer bytes);
Blob blob_of(std::string name, std::string_view text);
inline Bytes bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

/// The largest thing that a reader takes into memory unless its caller says otherwise.
inline constexpr std::uint64_t default_cap = std::uint64_t{4} << 30;

/// The whole file in memory. DataError when it cannot be read or holds more than `cap` bytes.
Blob read_file(const FilePath& path, std::uint64_t cap = default_cap);

/// The file mapped read-only; its pages come from disk when they are touched, so it may be larger
/// than memory. DataError when it is not a readable regular file.
Blob map_file(const FilePath& path);

/// A file that appears whole or not at all: writes go to a temporary beside `path`; `commit` syncs
/// it, renames it over `path` and syncs the folder. Without `commit` the destructor removes the
/// temporary. StorageError names the path and the reason; what was there before stays intact.
class AtomicFile {
public:
    explicit AtomicFile(FilePath path);
    ~AtomicFile();
    AtomicFile(const AtomicFile&) = delete;
    AtomicFile& operator=(const AtomicFile&) = delete;

    void write(Bytes bytes);
    void write(std::string_view text) { write(bytes_of(text)); }
    void commit();

private:
    FilePath path_, temporary_;
    int file_ = -1;
};

void write_atomic(const FilePath& path, Bytes bytes);
void write_atomic(const FilePath& path, std::string_view text);

/// The name of the temporary that AtomicFile would use; for libraries that open files themselves.
FilePath temporary_beside(const FilePath& path);

/// Syncs `from` (a file, or a folder and all that is in it), renames it to `to`, syncs the parent.
void commit_rename(const FilePath& from, const FilePath& to);

/// Makes the folder and its parents; StorageError names the one that could not be made.
void make_folder(const FilePath& path);

/// Removes a file or a folder with all that is in it; nothing when there is none.
void remove_tree(const FilePath& path);

/// A file that grows at its end. What is appended is there whole or, when it does not fit, not at
/// all (StorageError). `keep` cuts the file to that many bytes first.
class AppendFile {
public:
    explicit AppendFile(FilePath path, std::optional<std::uint64_t> keep = {});
    ~AppendFile();
    AppendFile(const AppendFile&) = delete;
    AppendFile& operator=(const AppendFile&) = delete;

    void append(Bytes bytes);
    void sync();
    std::uint64_t size() const { return size_; }
    const FilePath& path() const { return path_; }

private:
    FilePath path_;
    int file_ = -1;
    std::uint64_t size_ = 0;
};

/// Lines appended to a file. What an interrupted run left after the last newline is cut off; `keep`
/// cuts the file to that many bytes (resuming from a checkpoint that remembered `size()`).
class LineWriter {
public:
    explicit LineWriter(const FilePath& path, std::optional<std::uint64_t> keep = {});

    void append(std::string_view line);  ///< without its newline
    void sync() { file_.sync(); }
    std::uint64_t size() const { return file_.size(); }

private:
    AppendFile file_;
};

}  // namespace pushforward
