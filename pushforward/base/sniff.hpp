#pragma once

#include "pushforward/base/file.hpp"

namespace pushforward {

/// What a file's first bytes say it is. CIFAR has no mark: ask is_cifar when `unknown`.
enum class FileKind { unknown, gzip, zip, png, jpeg, npy, idx, safetensors, hdf5, wav, text };

FileKind sniff(Bytes bytes);
const char* name_of(FileKind kind);

}  // namespace pushforward
