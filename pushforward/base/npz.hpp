#pragma once

#include <string>
#include <utility>
#include <vector>

#include "pushforward/base/array.hpp"

namespace pushforward {

using NamedArrays = std::vector<std::pair<std::string, Array>>;

/// One array of a container before it is read. `problem` says why it cannot be: texts, objects, a
/// size that is not what its header asks for.
struct ArrayEntry {
    std::string name;
    DType dtype = DType::f32;
    Shape shape;
    std::string problem;
};

/// What the file holds; inflates only the headers. DataError when the archive cannot be read or
/// declares more than `cap` bytes.
std::vector<ArrayEntry> list_npz(const Blob& blob, std::uint64_t cap = default_cap);

/// One array by its name (without ".npy"); DataError lists the names when there is none.
Array read_npz(const Blob& blob, const std::string& name, std::uint64_t cap = default_cap);

/// Every array that can be read; DataError on one that cannot.
NamedArrays read_npz(const Blob& blob, std::uint64_t cap = default_cap);

/// Writes a deflated npz file atomically, in the order given.
void write_npz(const FilePath& path, const NamedArrays& arrays);

}  // namespace pushforward
