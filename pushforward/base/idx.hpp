#pragma once

#include <cstdint>

#include "pushforward/base/array.hpp"

namespace pushforward {

/// What the header of an IDX file (the format of MNIST) says.
struct IdxHeader {
    DType dtype = DType::u8;
    Shape shape;
    std::size_t offset = 0, bytes = 0;
};

/// Reads the header from the first bytes of a file. DataError on an unknown type or no dimension.
IdxHeader read_idx_header(const Blob& blob);

/// The array; bytes are viewed, wider types (big-endian in the file) are copied. DataError names
/// the expected and the actual number of bytes when the file is cut short or too long.
Array read_idx(const Blob& blob);

}  // namespace pushforward
