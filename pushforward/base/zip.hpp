#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "pushforward/base/file.hpp"

namespace pushforward {

/// A zip archive in memory or mapped. Sizes are the declared ones: `read` refuses a member that
/// inflates to anything else. Members whose names leave the archive ("..", "/x") are refused.
class ZipArchive {
public:
    struct Member {
        std::string name;
        std::uint64_t size = 0, compressed = 0;
    };

    explicit ZipArchive(Blob blob);
    ZipArchive(ZipArchive&&) noexcept;
    ~ZipArchive();

    const std::string& name() const;
    const std::vector<Member>& members() const;  ///< files only, in the archive's order
    /// The member of that name; DataError that lists the names when there is none.
    const Member& find(const std::string& member) const;
    /// DataError when more than `cap` bytes are declared, before anything is inflated.
    Buffer read(const Member& member, std::uint64_t cap = default_cap) const;
    /// The first bytes, at most `length` of them.
    Buffer head(const Member& member, std::uint64_t length) const;

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

/// A member to write: its bytes are the parts one after the other, viewed, not copied.
struct ZipEntry {
    std::string name;
    std::vector<Bytes> parts;
};

/// Writes a deflated archive atomically. Equal entries give equal bytes (no clock in it).
void write_zip(const FilePath& path, const std::vector<ZipEntry>& entries);

}  // namespace pushforward
