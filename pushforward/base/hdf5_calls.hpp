#pragma once

#include <string>

#include "pushforward/base/confined.hpp"
#include "pushforward/base/npz.hpp"

namespace pushforward {

// What calls libhdf5, for base/hdf5.cpp alone: each runs in a confined child and opens one file.

/// The answers are texts that end in a NUL, which HDF5's names do not hold; the last is this, or
/// why there is no more.
inline const std::string hdf5_finished = "finished";

/// Of each data set four texts: its type's number, its sizes, its name and its problem.
inline constexpr std::size_t hdf5_fields = 4;
void list_hdf5_in_child(const Blob& blob, const Say& say);

/// Reads the data set `wanted` to `target`, which holds as much as its type and shape ask for.
void read_hdf5_in_child(const Blob& blob, const ArrayEntry& wanted, void* target, const Say& say);

/// Says the whole file instead, or "array NAME: " and why not.
void write_hdf5_in_child(const NamedArrays& arrays, const Say& say);

}  // namespace pushforward
