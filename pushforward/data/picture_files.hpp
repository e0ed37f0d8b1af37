#pragma once

#include "pushforward/data/sources.hpp"

namespace pushforward {

// Where pictures lie: a folder, a zip archive, one file. Used by data/ alone.

/// The PNG and JPEG files under a folder, at any depth; a class is a subfolder. Folders `train` and
/// `test` at the top are the two sets. Null when there is no picture. DataError on a file that is
/// called .png or .jpg and is none, and on one that is cut short.
std::shared_ptr<const Source> picture_folder(const FilePath& folder, const FileOptions& options);

/// The same for a zip archive; null when it holds no picture.
std::shared_ptr<const Source> picture_zip(const Blob& blob, const FileOptions& options);

std::shared_ptr<const Source> one_picture(const Blob& blob, const FileOptions& options);

}  // namespace pushforward
