#include "pushforward/base/idx.hpp"

#include <algorithm>
#include <utility>

#include "pushforward/base/byte_order.hpp"

namespace pushforward {
namespace {

constexpr std::pair<int, DType> codes[] = {{0x08, DType::u8},  {0x09, DType::i8},
                                           {0x0B, DType::i16}, {0x0C, DType::i32},
                                           {0x0D, DType::f32}, {0x0E, DType::f64}};

}  // namespace

IdxHeader read_idx_header(const Blob& blob) {
    const Bytes bytes = blob.bytes;
    const auto need = [&](std::size_t n) {
        if (bytes.size() < n)
            throw DataError(blob.name, "IDX header",
                            text("expected ", n, " bytes, got ", bytes.size()));
    };
    need(4);
    const auto code = std::find_if(std::begin(codes), std::end(codes), [&](const auto& c) {
        return c.first == std::to_integer<int>(bytes[2]);
    });
    const auto rank = std::to_integer<std::size_t>(bytes[3]);
    if (bytes[0] != std::byte{0} || bytes[1] != std::byte{0} || code == std::end(codes) ||
        rank == 0)
        throw DataError(blob.name, "IDX header",
                        "expected 0, 0, a type of 8, 9 or 11 to 14, and 1 or more dimensions");
    IdxHeader header;
    header.dtype = code->second;
    header.offset = 4 + 4 * rank;
    need(header.offset);
    for (std::size_t d = 0; d < rank; ++d)
        header.shape.push_back(big_endian<std::uint32_t>(bytes, 4 + 4 * d));
    header.bytes = byte_count(header.dtype, header.shape, blob.name, "IDX header");
    return header;
}

Array read_idx(const Blob& blob) {
    IdxHeader header = read_idx_header(blob);
    const Bytes bytes = blob.bytes.subspan(header.offset);
    if (bytes.size() != header.bytes)
        throw DataError(
            blob.name, "",
            text("expected ", header.offset + header.bytes, " bytes for ", name_of(header.dtype),
                 " ", shape_text(header.shape), ", got ", blob.bytes.size()));
    const std::size_t size = size_of(header.dtype);
    if (size == 1) return view_array(header.dtype, std::move(header.shape), bytes, blob.owner);
    return make_array(header.dtype, std::move(header.shape), swap_bytes(bytes, size));
}

}  // namespace pushforward
