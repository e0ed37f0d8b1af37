#pragma once

#include <map>
#include <string>

#include "pushforward/base/array.hpp"

namespace pushforward {

/// A safetensors file: named arrays and a map of texts. Arrays may view the blob they came from.
struct Safetensors {
    std::map<std::string, std::string> metadata;
    std::map<std::string, Array> tensors;
};

/// Reads the published format strictly: a header of at most 100 MB that begins with `{`, no name
/// twice, every type and shape equal to its offsets, offsets that tile the buffer with no hole,
/// overlap or trailing byte, at most 64 dimensions and a million tensors. Otherwise DataError.
Safetensors read_safetensors(const Blob& blob);

/// Writes it atomically: the header padded to 8 bytes, wider elements first and then by name, and
/// `format: pt` among the metadata, which other readers ask for.
void write_safetensors(const FilePath& path, const Safetensors& file);

}  // namespace pushforward
