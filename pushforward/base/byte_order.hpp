#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>

#include "pushforward/base/file.hpp"

namespace pushforward {

static_assert(std::endian::native == std::endian::little, "arrays are little-endian here");

/// The value of type T whose little-endian bytes begin at `offset`; the caller checked the length.
template <class T>
T little_endian(Bytes bytes, std::size_t offset) {
    T value;
    std::memcpy(&value, bytes.subspan(offset, sizeof value).data(), sizeof value);
    return value;
}

/// The same for bytes in network order.
template <class T>
T big_endian(Bytes bytes, std::size_t offset) {
    std::array<std::byte, sizeof(T)> turned;
    for (std::size_t i = 0; i < sizeof(T); ++i) turned[i] = bytes[offset + sizeof(T) - 1 - i];
    return little_endian<T>(turned, 0);
}

/// The elements of `size` bytes each, with the order of their bytes turned round.
inline Buffer swap_bytes(Bytes bytes, std::size_t size) {
    Buffer out(bytes.size());
    for (std::size_t i = 0; i < bytes.size(); ++i)
        out[i - i % size + size - 1 - i % size] = bytes[i];
    return out;
}

}  // namespace pushforward
