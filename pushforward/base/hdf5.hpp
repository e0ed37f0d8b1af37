#pragma once

#include <string>
#include <vector>

#include "pushforward/base/npz.hpp"

namespace pushforward {

// libhdf5 1.10 crashes on malformed files, so every call of it happens in a confined child
// (base/confined.hpp) on the file's bytes in memory; this process never initialises it. What lies
// in other files (external links and values, virtual data sets, filters as plug-ins) is not
// followed.

/// Every data set of the file by its full name ("group/name"), in alphabetical order; those that a
/// soft link names too. `problem`: structures, texts, rows of varying length, a missing filter,
/// more values than the file can hold. DataError when the file is malformed.
std::vector<ArrayEntry> list_hdf5(const Blob& blob);

/// One data set by its name: integers, floats (2, 4 or 8 bytes), booleans (h5py's enumeration),
/// other enumerations and bit fields as integers, in either byte order. DataError lists the names
/// when there is none, and refuses more than `cap` bytes before anything is read.
Array read_hdf5(const Blob& blob, const std::string& name, std::uint64_t cap = default_cap);

/// Writes a file of deflated data sets atomically, readable by HDF5 1.8 or newer; "a/b" lies in the
/// group "a". Equal arrays give equal bytes. UsageError for a name that HDF5 refuses.
void write_hdf5(const FilePath& path, const NamedArrays& arrays);

}  // namespace pushforward
