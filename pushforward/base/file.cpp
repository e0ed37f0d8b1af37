#include "pushforward/base/file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "pushforward/base/errors.hpp"

namespace pushforward {
namespace {

namespace fs = std::filesystem;

std::string reason(int error) {
    return std::generic_category().message(error);
}

[[noreturn]] void fail(const std::string& what, const FilePath& path, int error) {
    throw StorageError("cannot " + what + " " + path.string() + ": " + reason(error));
}

/// A file descriptor that closes itself.
class Handle {
public:
    Handle(const FilePath& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {}
    ~Handle() {
        if (fd_ >= 0) ::close(fd_);
    }
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    int get() const { return fd_; }

private:
    int fd_;
};

/// Writes all of it; 0, or the error. A full disk shows as a short write and then ENOSPC.
int write_all(int file, Bytes bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(file, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return errno;
        if (written == 0) return ENOSPC;
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return 0;
}

void sync_path(const FilePath& path) {
    const Handle file(path, O_RDONLY);
    if (file.get() < 0) fail("open", path, errno);
    // EINVAL: a file system whose folders cannot be synced, where there is nothing to do.
    if (::fsync(file.get()) != 0 && errno != EINVAL) fail("sync", path, errno);
}

FilePath parent_of(const FilePath& path) {
    return path.has_parent_path() ? path.parent_path() : FilePath(".");
}

void rename_and_sync(const FilePath& from, const FilePath& to) {
    if (::rename(from.c_str(), to.c_str()) != 0) fail("write", to, errno);
    sync_path(parent_of(to));
}

struct stat status_of(const Handle& file, const FilePath& path) {
    struct stat status {};
    if (file.get() < 0 || ::fstat(file.get(), &status) != 0)
        throw DataError(path.string(), "", "cannot be opened: " + reason(errno));
    if (S_ISDIR(status.st_mode))
        throw DataError(path.string(), "", "expected a file, got a folder");
    return status;
}

}  // namespace

Blob blob_of(std::string name, Buffer bytes) {
    auto owner = std::make_shared<const Buffer>(std::move(bytes));
    const Bytes view(*owner);
    return {std::move(name), std::move(owner), view};
}

Blob blob_of(std::string name, std::string_view text) {
    const Bytes bytes = bytes_of(text);
    return blob_of(std::move(name), Buffer(bytes.begin(), bytes.end()));
}

Blob read_file(const FilePath& path, std::uint64_t cap) {
    const Handle file(path, O_RDONLY);
    const auto status = status_of(file, path);
    const auto refuse = [&] {
        throw DataError(path.string(), "", text("expected at most ", cap, " bytes, got more"));
    };
    if (S_ISREG(status.st_mode) && static_cast<std::uint64_t>(status.st_size) > cap) refuse();
    Buffer bytes(S_ISREG(status.st_mode) ? static_cast<std::size_t>(status.st_size) : 0);
    std::size_t have = 0;
    for (;;) {
        if (have == bytes.size()) bytes.resize(have + (have / 2) + 65536);
        const ssize_t got = ::read(file.get(), bytes.data() + have, bytes.size() - have);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw DataError(path.string(), "", "cannot be read: " + reason(errno));
        if (got == 0) break;
        have += static_cast<std::size_t>(got);
        if (have > cap) refuse();
    }
    bytes.resize(have);
    return blob_of(path.string(), std::move(bytes));
}

Blob map_file(const FilePath& path) {
    const Handle file(path, O_RDONLY);
    const auto status = status_of(file, path);
    if (!S_ISREG(status.st_mode) || status.st_size == 0) return read_file(path);
    const auto size = static_cast<std::size_t>(status.st_size);
    void* start = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
    if (start == MAP_FAILED)
        throw DataError(path.string(), "", "cannot be mapped: " + reason(errno));
    std::shared_ptr<const void> owner(start, [size](void* p) { ::munmap(p, size); });
    return {path.string(), std::move(owner), {static_cast<const std::byte*>(start), size}};
}

FilePath temporary_beside(const FilePath& path) {
    return FilePath(path.string() + ".tmp");
}

AtomicFile::AtomicFile(FilePath path) : path_(std::move(path)) {
    std::error_code none;
    if (fs::is_symlink(path_, none)) path_ = fs::weakly_canonical(path_, none);
    const auto status = fs::status(path_, none);
    if (fs::is_directory(status)) fail("write", path_, EISDIR);
    // A device or a pipe is written as it is: renaming over it would replace it.
    const bool special = fs::exists(status) && !fs::is_regular_file(status);
    if (!special) temporary_ = temporary_beside(path_);
    const FilePath& target = special ? path_ : temporary_;
    file_ = ::open(target.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file_ < 0) fail("write", path_, errno);
}

AtomicFile::~AtomicFile() {
    if (file_ < 0) return;
    ::close(file_);
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(Bytes bytes) {
    PF_CHECK(file_ >= 0, "AtomicFile", "a write before commit", "one after it");
    if (const int error = write_all(file_, bytes)) fail("write", path_, error);
}

void AtomicFile::commit() {
    PF_CHECK(file_ >= 0, "AtomicFile", "one commit", "a second");
    if (!temporary_.empty() && ::fsync(file_) != 0) fail("sync", path_, errno);
    if (::close(std::exchange(file_, -1)) != 0) {
        const int error = errno;
        if (!temporary_.empty()) ::unlink(temporary_.c_str());
        fail("write", path_, error);
    }
    if (temporary_.empty()) return;
    try {
        rename_and_sync(temporary_, path_);
    } catch (const StorageError&) {
        ::unlink(temporary_.c_str());
        throw;
    }
}

void write_atomic(const FilePath& path, Bytes bytes) {
    AtomicFile file(path);
    file.write(bytes);
    file.commit();
}

void write_atomic(const FilePath& path, std::string_view text) {
    write_atomic(path, bytes_of(text));
}

void commit_rename(const FilePath& from, const FilePath& to) {
    if (fs::is_directory(from))
        for (const auto& entry : fs::recursive_directory_iterator(from))
            if (entry.is_regular_file() || entry.is_directory()) sync_path(entry.path());
    sync_path(from);
    rename_and_sync(from, to);
}

void make_folder(const FilePath& path) {
    std::error_code error;
    fs::create_directories(path, error);
    if (!error && !fs::is_directory(path)) error = std::make_error_code(std::errc::not_a_directory);
    if (error) fail("make the folder", path, error.value());
}

void remove_tree(const FilePath& path) {
    std::error_code error;
    fs::remove_all(path, error);
    if (error) fail("remove", path, error.value());
}

AppendFile::AppendFile(FilePath path, std::optional<std::uint64_t> keep) : path_(std::move(path)) {
    file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (file_ < 0) fail("write", path_, errno);
    const auto end = static_cast<std::uint64_t>(::lseek(file_, 0, SEEK_END));
    size_ = std::min(end, keep.value_or(end));
    if (size_ != end && ::ftruncate(file_, static_cast<off_t>(size_)) != 0) {
        const int error = errno;
        ::close(file_);
        fail("write", path_, error);
    }
}

AppendFile::~AppendFile() {
    ::close(file_);
}

void AppendFile::append(Bytes bytes) {
    if (const int error = write_all(file_, bytes)) {
        // Nothing in half stays behind; if even this fails, the reader sees a cut end.
        [[maybe_unused]] const int ignored = ::ftruncate(file_, static_cast<off_t>(size_));
        fail("write", path_, error);
    }
    size_ += bytes.size();
}

void AppendFile::sync() {
    if (::fsync(file_) != 0) fail("sync", path_, errno);
}

namespace {

/// Bytes of the file up to the end of its last whole line, within the first `keep`.
std::uint64_t whole_lines(const FilePath& path, std::optional<std::uint64_t> keep) {
    if (!fs::is_regular_file(path)) return 0;
    const Blob blob = map_file(path);
    const std::string_view text = blob.text().substr(0, keep.value_or(blob.bytes.size()));
    return text.rfind('\n') + 1;  // npos + 1 is 0
}

}  // namespace

LineWriter::LineWriter(const FilePath& path, std::optional<std::uint64_t> keep)
    : file_(path, whole_lines(path, keep)) {}

void LineWriter::append(std::string_view line) {
    file_.append(bytes_of(std::string(line) + '\n'));
}

}  // namespace pushforward
