#pragma once

#include <cstdint>

#include "pushforward/base/array.hpp"

namespace pushforward {

/// What the header of an npy file says.
struct NpyHeader {
    DType dtype = DType::f32;
    Shape shape;
    bool fortran_order = false;
    bool big_endian = false;
    std::size_t offset = 0;  ///< where the elements begin
    std::size_t bytes = 0;   ///< how many bytes they take
};

/// Reads versions 1 to 3 from the first bytes of a file (`blob` may end after the header).
/// DataError on objects, structures, texts, complex numbers, or a shape too large to address.
NpyHeader read_npy_header(const Blob& blob);

/// The array; a view of `blob` when it lies there in C order and this machine's byte order.
Array read_npy(const Blob& blob);

/// The header of version 1, padded so that the elements begin at a multiple of 64.
Buffer npy_header(const Array& array);
void write_npy(const FilePath& path, const Array& array);

}  // namespace pushforward
