#include <turbojpeg.h>

#include <algorithm>
#include <memory>
#include <new>
#include <string_view>
#include <utility>

#include "pushforward/base/byte_order.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/image_codecs.hpp"

namespace pushforward {
namespace {

constexpr std::int64_t max_pixels_per_byte = 512;  // a block of 64 takes a bit at least

/// EXIF's orientation (tag 0x112): 1 to 8, how the stored picture is to be turned; 1 when the file
/// does not say. Layout: marker segments; in APP1 a TIFF header and its first directory.
int orientation(Bytes in) {
    const auto u16 = [&](std::size_t at, bool little) {
        return little ? little_endian<std::uint16_t>(in, at) : big_endian<std::uint16_t>(in, at);
    };
    const auto u32 = [&](std::size_t at, bool little) {
        return little ? little_endian<std::uint32_t>(in, at) : big_endian<std::uint32_t>(in, at);
    };
    const std::string_view text(reinterpret_cast<const char*>(in.data()), in.size());
    for (std::size_t at = 2; at + 4 <= in.size() && text[at] == '\xff' && text[at + 1] != '\xda';) {
        const std::size_t length = u16(at + 2, false), end = std::min(at + 2 + length, in.size());
        using namespace std::string_view_literals;
        const std::size_t tiff = at + 10;
        if (text[at + 1] == '\xe1' && text.substr(at + 4, 6) == "Exif\0\0"sv && tiff + 8 <= end) {
            const bool little = text[tiff] == 'I';
            const std::size_t directory = tiff + u32(tiff + 4, little);
            if (directory + 2 > end) return 1;
            const std::size_t count = u16(directory, little);
            for (std::size_t i = 0; i < count && directory + 2 + 12 * (i + 1) <= end; ++i) {
                const std::size_t entry = directory + 2 + 12 * i;
                if (u16(entry, little) != 0x112) continue;
                const int value = u16(entry + 8, little);
                return value >= 1 && value <= 8 ? value : 1;
            }
            return 1;
        }
        at += 2 + std::max<std::size_t>(length, 2);
    }
    return 1;
}

/// The picture as it is to be seen: 2 to 4 are mirrored or upside down, 5 to 8 lie on their side.
Image upright(const Image& in, int turn) {
    const bool side = turn >= 5;
    Image out{side ? in.width : in.height, side ? in.height : in.width, in.channels, {}};
    if (in.pixels.empty()) return out;
    out.pixels.resize(in.pixels.size());
    const bool from_right = turn == 2 || turn == 3 || turn == 7 || turn == 8;
    const bool from_below = turn == 3 || turn == 4 || turn == 6 || turn == 7;
    auto to = out.pixels.begin();
    for (std::int64_t y = 0; y < out.height; ++y)
        for (std::int64_t x = 0; x < out.width; ++x) {
            const std::int64_t column = side ? y : x, row = side ? x : y;
            const std::int64_t from_x = from_right ? in.width - 1 - column : column;
            const std::int64_t from_y = from_below ? in.height - 1 - row : row;
            const auto from = in.pixels.begin() + (from_y * in.width + from_x) * in.channels;
            to = std::copy(from, from + in.channels, to);
        }
    return out;
}

/// From the inverted CMYK that JPEG files hold.
void cmyk_to_rgb(Image& image) {
    const auto count = static_cast<std::size_t>(image.height * image.width);
    for (std::size_t i = 0; i < count; ++i)
        for (std::size_t c = 0; c < 3; ++c)
            image.pixels[3 * i + c] = static_cast<std::uint8_t>(
                (image.pixels[4 * i + c] * image.pixels[4 * i + 3] + 127) / 255);
    image.pixels.resize(3 * count);
    image.channels = 3;
}

/// Warnings that photographs in use are known for. Everything else that libjpeg only warns of (it
/// fills what is missing with grey) is an error here.
bool tolerated(std::string_view warning, Bytes in) {
    const std::string_view text(reinterpret_cast<const char*>(in.data()), in.size());
    const bool ended =
        text.substr(text.size() - std::min<std::size_t>(text.size(), 4096)).find("\xff\xd9") !=
        std::string_view::npos;
    return ended && (warning.find("extraneous bytes") != std::string_view::npos ||
                     warning.find("Invalid SOS parameters") != std::string_view::npos);
}

}  // namespace

Image decode_jpeg(const Blob& blob, bool header_only) {
    const std::unique_ptr<void, int (*)(tjhandle)> handle(tjInitDecompress(), tjDestroy);
    if (!handle) throw std::bad_alloc();
    const auto refuse = [&](const std::string& what) { return DataError(blob.name, "JPEG", what); };
    const auto* in = reinterpret_cast<const unsigned char*>(blob.bytes.data());
    const auto size = static_cast<unsigned long>(blob.bytes.size());
    int width = 0, height = 0, sampling = 0, colours = 0;
    if (tjDecompressHeader3(handle.get(), in, size, &width, &height, &sampling, &colours) != 0 &&
        tjGetErrorCode(handle.get()) == TJERR_FATAL)
        throw refuse(tjGetErrorStr2(handle.get()));
    if (width < 1 || height < 1 || width > max_image_side || height > max_image_side)
        throw refuse(
            text("expected 1 to ", max_image_side, " pixels a side, got ", width, " x ", height));
    if (std::int64_t{width} * height > max_pixels_per_byte * static_cast<std::int64_t>(size))
        throw refuse(
            text("declares ", width, " x ", height, " pixels, which ", size, " bytes cannot hold"));

    const bool grey = colours == TJCS_GRAY;
    const bool cmyk = colours == TJCS_CMYK || colours == TJCS_YCCK;
    const int format = grey ? TJPF_GRAY : cmyk ? TJPF_CMYK : TJPF_RGB;
    const int turn = orientation(blob.bytes);
    Image image{height, width, grey ? 1 : 3, {}};
    if (!header_only) {
        image.pixels.resize(
            static_cast<std::size_t>(std::int64_t{width} * height * tjPixelSize[format]));
        if (tjDecompress2(handle.get(), in, size, image.pixels.data(), width, 0, height, format,
                          TJFLAG_LIMITSCANS) != 0) {
            const std::string problem = tjGetErrorStr2(handle.get());
            if (tjGetErrorCode(handle.get()) == TJERR_FATAL || !tolerated(problem, blob.bytes))
                throw refuse(problem);
        }
        if (cmyk) cmyk_to_rgb(image);
    }
    return turn == 1 ? image : upright(image, turn);
}

}  // namespace pushforward
