#pragma once

#include <zlib.h>

#include <cstdint>
#include <string>

#include "tests/unit/base/scratch.hpp"

/// `text` as a gzip member.
inline std::string gzipped(const std::string& text) {
    z_stream stream{};
    REQUIRE(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    std::string out(deflateBound(&stream, text.size()) + 32, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

/// The number's `bytes` low bytes, the lowest first.
inline std::string low_first(std::uint64_t number, int bytes) {
    std::string out;
    for (int i = 0; i < bytes; ++i) out += static_cast<char>(number >> (8 * i));
    return out;
}

/// The number in network order, four bytes.
inline std::string high_first(std::uint32_t number) {
    std::string out;
    for (int i = 3; i >= 0; --i) out += static_cast<char>(number >> (8 * i));
    return out;
}

/// An npy file of version 1 with this header, not padded.
inline std::string npy_of(const std::string& header, const std::string& data) {
    return std::string("\x93NUMPY\x01\x00", 8) + low_first(header.size(), 2) + header + data;
}

/// A safetensors file of this header and data.
inline std::string safetensors_of(const std::string& header, const std::string& data) {
    return low_first(header.size(), 8) + header + data;
}

/// The bytes 0, 1, 2, ...
inline std::string counting(std::size_t size) {
    std::string out;
    for (std::size_t i = 0; i < size; ++i) out += static_cast<char>(i);
    return out;
}

inline std::string content_of(const std::filesystem::path& path) {
    return std::string(pushforward::read_file(path).text());
}

/// A PNG chunk with its length and checksum.
inline std::string png_chunk(const std::string& type, const std::string& data) {
    const std::string body = type + data;
    const auto sum =
        crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
    return high_first(static_cast<std::uint32_t>(data.size())) + body +
           high_first(static_cast<std::uint32_t>(sum));
}

/// A PNG file of this size, bits a sample and colour type, whose rows (each led by its filter's
/// byte) are deflated as they are; `before` goes between the header and the pixels.
inline std::string png_of(std::uint32_t width, std::uint32_t height, char depth, char colour,
                          const std::string& rows, const std::string& before = "",
                          bool interlaced = false) {
    std::string packed(compressBound(rows.size()), '\0');
    uLongf length = packed.size();
    REQUIRE(compress(reinterpret_cast<Bytef*>(packed.data()), &length,
                     reinterpret_cast<const Bytef*>(rows.data()), rows.size()) == Z_OK);
    packed.resize(length);
    const std::string header =
        high_first(width) + high_first(height) +
        std::string{depth, colour, '\0', '\0', static_cast<char>(interlaced)};
    return "\x89PNG\r\n\x1a\n" + png_chunk("IHDR", header) + before + png_chunk("IDAT", packed) +
           png_chunk("IEND", "");
}
