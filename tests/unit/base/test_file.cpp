#include "pushforward/base/file.hpp"

#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "pushforward/base/checksum.hpp"
#include "tests/unit/base/scratch.hpp"

using namespace pushforward;
namespace fs = std::filesystem;

namespace {

std::string content(const fs::path& path) {
    return std::string(read_file(path).text());
}

/// Files may not grow beyond `bytes`: the kernel then fails writes as it does on a full disk.
class FileSizeLimit {
public:
    explicit FileSizeLimit(rlim_t bytes) {
        old_signal_ = std::signal(SIGXFSZ, SIG_IGN);
        ::getrlimit(RLIMIT_FSIZE, &old_);
        rlimit limit = old_;
        limit.rlim_cur = bytes;
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~FileSizeLimit() {
        ::setrlimit(RLIMIT_FSIZE, &old_);
        std::signal(SIGXFSZ, old_signal_);
    }

private:
    rlimit old_{};
    void (*old_signal_)(int) = nullptr;
};

}  // namespace

TEST_CASE("a file is read whole, mapped, and capped") {
    const Scratch scratch;
    const std::string text(100000, 'x');
    write_atomic(scratch / "a", text);
    CHECK(read_file(scratch / "a").text() == text);
    CHECK(map_file(scratch / "a").text() == text);
    CHECK_SAYS(read_file(scratch / "a", 99999), "at most 99999 bytes");
    CHECK_SAYS(map_file(scratch / "none"), "No such file");
    CHECK_SAYS(map_file(scratch.path()), "a folder");
    write_atomic(scratch / "empty", "");
    CHECK(map_file(scratch / "empty").bytes.empty());
}

TEST_CASE("a mapped file stays readable after it was replaced and removed") {
    const Scratch scratch;
    write_atomic(scratch / "a", "old");
    const Blob blob = map_file(scratch / "a");
    write_atomic(scratch / "a", "new");
    CHECK(blob.text() == "old");
    remove_tree(scratch / "a");
    CHECK(blob.text() == "old");
}

TEST_CASE("an uncommitted file leaves nothing and keeps the old one") {
    const Scratch scratch;
    write_atomic(scratch / "a", "old");
    {
        AtomicFile file(scratch / "a");
        file.write("half");
        CHECK(content(scratch / "a") == "old");
        CHECK(fs::exists(scratch / "a.tmp"));
    }
    CHECK(content(scratch / "a") == "old");
    CHECK_FALSE(fs::exists(scratch / "a.tmp"));
}

TEST_CASE("a write that does not fit is a StorageError and the old file stays") {
    const Scratch scratch;
    write_atomic(scratch / "a", "old");
    std::string said;
    {
        const FileSizeLimit limit(4096);
        const std::string big(100000, 'x');
        said = message_of<StorageError>([&] { write_atomic(scratch / "a", big); });
    }
    CHECK(contains(said, (scratch / "a").string()));
    CHECK(contains(said, "File too large"));
    CHECK(content(scratch / "a") == "old");
    CHECK_FALSE(fs::exists(scratch / "a.tmp"));
}

TEST_CASE("a full disk of any size is a StorageError and the old file stays") {
    const Scratch scratch;
    fs::create_directory(scratch / "disk");
    if (::mount("none", (scratch / "disk").c_str(), "tmpfs", 0, "size=64k") != 0) {
        MESSAGE("skipped: a small tmpfs cannot be mounted here");
        return;
    }
    const fs::path target = scratch / "disk/a";
    write_atomic(target, "old");
    for (std::size_t size = 4096; size <= 200000; size += 4096) {
        const std::string text(size, 'x');
        const std::string said = message_of<StorageError>([&] { write_atomic(target, text); });
        if (said.empty()) {
            CHECK(content(target) == text);
            write_atomic(target, "old");
        } else {
            CHECK(contains(said, "No space left on device"));
            CHECK(size > 40000);
            CHECK(content(target) == "old");
        }
        CHECK_FALSE(fs::exists(target.string() + ".tmp"));
    }
    CHECK(::umount((scratch / "disk").c_str()) == 0);
}

TEST_CASE("folders that cannot be written are named") {
    const Scratch scratch;
    write_atomic(scratch / "file", "x");
    CHECK(contains(message_of<StorageError>([&] { make_folder(scratch / "file/under"); }), "file"));
    CHECK(contains(message_of<StorageError>([&] { make_folder(scratch / "file"); }), "file"));
    CHECK(contains(message_of<StorageError>([&] { write_atomic(scratch / "no/a", "x"); }),
                   "No such file"));
    CHECK(contains(message_of<StorageError>([&] { write_atomic(scratch.path(), "x"); }),
                   "directory"));
    make_folder(scratch / "a/b/c");
    make_folder(scratch / "a/b/c");
    CHECK(fs::is_directory(scratch / "a/b/c"));
    remove_tree(scratch / "a");
    remove_tree(scratch / "a");
    CHECK_FALSE(fs::exists(scratch / "a"));
}

TEST_CASE("a device is written, not replaced; a link's target is") {
    const Scratch scratch;
    write_atomic("/dev/null", "x");
    CHECK(fs::is_character_file("/dev/null"));
    write_atomic(scratch / "target", "old");
    fs::create_symlink("target", scratch / "link");
    write_atomic(scratch / "link", "new");
    CHECK(fs::is_symlink(scratch / "link"));
    CHECK(content(scratch / "target") == "new");
}

TEST_CASE("commit_rename puts a whole folder in place") {
    const Scratch scratch;
    make_folder(scratch / "step.tmp/inner");
    write_atomic(scratch / "step.tmp/inner/a", "x");
    commit_rename(scratch / "step.tmp", scratch / "step");
    CHECK(content(scratch / "step/inner/a") == "x");
    CHECK_FALSE(fs::exists(scratch / "step.tmp"));
}

TEST_CASE("appended lines are whole: torn ends are cut, and `keep` cuts back") {
    const Scratch scratch;
    const auto path = scratch / "log";
    std::uint64_t after_first = 0;
    {
        LineWriter lines(path);
        lines.append("one");
        after_first = lines.size();
        lines.append("two");
        lines.sync();
    }
    std::ofstream(path, std::ios::app) << "torn";
    {
        LineWriter lines(path);
        CHECK(content(path) == "one\ntwo\n");
        lines.append("three");
    }
    CHECK(content(path) == "one\ntwo\nthree\n");
    { LineWriter lines(path, after_first); }
    CHECK(content(path) == "one\n");
    { LineWriter lines(path, 1000); }
    CHECK(content(path) == "one\n");
    { LineWriter lines(path, 2); }
    CHECK(content(path).empty());
}

TEST_CASE("a line that does not fit is not left in half") {
    const Scratch scratch;
    LineWriter lines(scratch / "log");
    lines.append("one");
    std::string said;
    {
        const FileSizeLimit limit(100);
        said = message_of<StorageError>([&] { lines.append(std::string(200, 'x')); });
    }
    CHECK(contains(said, "log"));
    CHECK(content(scratch / "log") == "one\n");
    lines.append("two");
    CHECK(content(scratch / "log") == "one\ntwo\n");
}

TEST_CASE("SHA-256 and CRC-32C of the published vectors") {
    CHECK(sha256(bytes_of("abc")) ==
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(sha256({}) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    Sha256 digest;
    for (int i = 0; i < 1000; ++i) digest.update(bytes_of(std::string(1000, 'a')));
    CHECK(digest.hex() == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    CHECK(crc32c(bytes_of("123456789")) == 0xe3069283);
    CHECK(crc32c({}) == 0);
}
