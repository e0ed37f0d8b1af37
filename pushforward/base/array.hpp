#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pushforward/base/errors.hpp"
#include "pushforward/base/file.hpp"

namespace pushforward {

enum class DType : std::uint8_t {
    boolean,
    u8,
    i8,
    i16,
    u16,
    i32,
    u32,
    i64,
    u64,
    f16,
    bf16,
    f32,
    f64
};

std::size_t size_of(DType dtype);  ///< bytes of one element
const char* name_of(DType dtype);  ///< "bool", "uint8", ..., "bfloat16", "float32", "float64"

using Shape = std::vector<std::int64_t>;
std::string shape_text(const Shape& shape);  ///< "[2, 3]"

/// A plain array: C order, little-endian, packed, aligned for its type. It shares its bytes, which
/// may be a view of a mapped file, and never writes to them. Booleans are bytes 0 and 1.
struct Array {
    DType dtype = DType::f32;
    Shape shape;
    std::shared_ptr<const void> owner;
    const std::byte* data = nullptr;
    std::size_t bytes = 0;

    std::int64_t count() const;
    Bytes view() const { return {data, bytes}; }
    /// The elements; UsageError when T is not what `dtype` says (16-bit floats: std::uint16_t).
    template <class T>
    std::span<const T> as() const;
};

/// Bytes of an array of this type and shape. DataError (of `file` at `place`) when a dimension is
/// negative, there are more than 64, or the product does not fit 63 bits.
std::size_t byte_count(DType dtype, const Shape& shape, const std::string& file,
                       const std::string& place);

/// An array that owns `bytes`; UsageError when their number is not what type and shape ask for.
Array make_array(DType dtype, Shape shape, Buffer bytes);

/// An array that views `bytes`, kept alive by `owner`; copies when they are not aligned.
Array view_array(DType dtype, Shape shape, Bytes bytes, std::shared_ptr<const void> owner);

/// DataError when a boolean array holds a byte other than 0 and 1.
void check_booleans(const Array& array, const std::string& file, const std::string& place);

template <class T>
constexpr DType dtype_of();
template <>
constexpr DType dtype_of<bool>() {
    return DType::boolean;
}
template <>
constexpr DType dtype_of<std::uint8_t>() {
    return DType::u8;
}
template <>
constexpr DType dtype_of<std::int8_t>() {
    return DType::i8;
}
template <>
constexpr DType dtype_of<std::int16_t>() {
    return DType::i16;
}
template <>
constexpr DType dtype_of<std::uint16_t>() {
    return DType::u16;
}
template <>
constexpr DType dtype_of<std::int32_t>() {
    return DType::i32;
}
template <>
constexpr DType dtype_of<std::uint32_t>() {
    return DType::u32;
}
template <>
constexpr DType dtype_of<std::int64_t>() {
    return DType::i64;
}
template <>
constexpr DType dtype_of<std::uint64_t>() {
    return DType::u64;
}
template <>
constexpr DType dtype_of<float>() {
    return DType::f32;
}
template <>
constexpr DType dtype_of<double>() {
    return DType::f64;
}

template <class T>
std::span<const T> Array::as() const {
    const bool sixteen =
        dtype_of<T>() == DType::u16 && (dtype == DType::f16 || dtype == DType::bf16);
    PF_CHECK(dtype == dtype_of<T>() || sixteen, "array", name_of(dtype_of<T>()), name_of(dtype));
    return {reinterpret_cast<const T*>(data), bytes / sizeof(T)};
}

/// `array_of<float>({2, 3}, {...})`.
template <class T>
Array array_of(Shape shape, const std::vector<T>& values) {
    const auto raw = std::as_bytes(std::span(values));
    return make_array(dtype_of<T>(), std::move(shape), Buffer(raw.begin(), raw.end()));
}

}  // namespace pushforward
