#pragma once

#include "pushforward/base/file.hpp"

namespace pushforward {

bool is_gzip(Bytes bytes);

/// Inflates a gzip file (RFC 1952, 1996; several members are joined). DataError names the offset at
/// which it is cut short or corrupt, and refuses output above `cap` bytes or, past 64 MiB, above
/// 200 times the input (a bomb: whoever means it can unpack the file first).
Blob gunzip(const Blob& blob, std::uint64_t cap = default_cap);

/// The first bytes of what a gzip file holds, at most `length` of them: to tell what it is.
Buffer gunzip_head(const Blob& blob, std::size_t length);

/// Maps the file; when it is gzip, inflates it. An npy or IDX file inside is not inflated beyond
/// what its own header declares.
Blob open_file(const FilePath& path, std::uint64_t cap = default_cap);
Blob unpack(const Blob& blob, std::uint64_t cap = default_cap);

}  // namespace pushforward
