#include "pushforward/base/array.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

namespace pushforward {
namespace {

struct Type {
    const char* name;
    std::size_t size;
};

constexpr Type types[] = {{"bool", 1},   {"uint8", 1},   {"int8", 1},     {"int16", 2},
                          {"uint16", 2}, {"int32", 4},   {"uint32", 4},   {"int64", 8},
                          {"uint64", 8}, {"float16", 2}, {"bfloat16", 2}, {"float32", 4},
                          {"float64", 8}};

}  // namespace

std::size_t size_of(DType dtype) {
    return types[static_cast<std::size_t>(dtype)].size;
}
const char* name_of(DType dtype) {
    return types[static_cast<std::size_t>(dtype)].name;
}

std::string shape_text(const Shape& shape) {
    std::string out = "[";
    for (const auto n : shape) out += (out.size() > 1 ? ", " : "") + std::to_string(n);
    return out + "]";
}

std::int64_t Array::count() const {
    return static_cast<std::int64_t>(bytes / size_of(dtype));
}

std::size_t byte_count(DType dtype, const Shape& shape, const std::string& file,
                       const std::string& place) {
    if (shape.size() > 64)
        throw DataError(file, place, text("expected at most 64 dimensions, got ", shape.size()));
    // Every dimension is multiplied in, so that a zero does not hide an absurd one.
    std::int64_t total = static_cast<std::int64_t>(size_of(dtype));
    bool empty = false;
    for (const auto n : shape) {
        empty |= n == 0;
        if (n < 0 || __builtin_mul_overflow(total, std::max<std::int64_t>(n, 1), &total))
            throw DataError(file, place,
                            "expected a shape that can be addressed, got " + shape_text(shape));
    }
    return empty ? 0 : static_cast<std::size_t>(total);
}

Array make_array(DType dtype, Shape shape, Buffer bytes) {
    auto owner = std::make_shared<const Buffer>(std::move(bytes));
    const Bytes view(*owner);
    return view_array(dtype, std::move(shape), view, std::move(owner));
}

Array view_array(DType dtype, Shape shape, Bytes bytes, std::shared_ptr<const void> owner) {
    const std::size_t expected = byte_count(dtype, shape, "array", "");
    PF_CHECK(bytes.size() == expected, "array", text(expected, " bytes"), bytes.size());
    if (reinterpret_cast<std::uintptr_t>(bytes.data()) % size_of(dtype) != 0)
        return make_array(dtype, std::move(shape), Buffer(bytes.begin(), bytes.end()));
    return {dtype, std::move(shape), std::move(owner), bytes.data(), bytes.size()};
}

void check_booleans(const Array& array, const std::string& file, const std::string& place) {
    if (array.dtype != DType::boolean) return;
    for (std::size_t i = 0; i < array.bytes; ++i)
        if (array.data[i] > std::byte{1})
            throw DataError(file, place,
                            text("expected booleans of 0 or 1, got ",
                                 std::to_integer<int>(array.data[i]), " at index ", i));
}

}  // namespace pushforward
