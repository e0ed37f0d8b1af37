#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "pushforward/base/file.hpp"

namespace pushforward {

/// An 8-bit picture: rows of pixels of 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGBA) channels.
struct Image {
    std::int64_t height = 0, width = 0, channels = 0;
    std::vector<std::uint8_t> pixels;  ///< [height, width, channels]
};

/// Height, width and channels of a PNG or JPEG file from its first bytes; no pixels.
Image image_header(const Blob& blob);

/// Decodes PNG (palettes and 1 to 4 bits expanded, 16 bits reduced) or JPEG (turned upright as its
/// EXIF says; CMYK as RGB). DataError names the file and the reason when it is cut short or
/// corrupt, or larger than 16384 x 16384.
Image decode_image(const Blob& blob);

/// Encodes a PNG; `text` becomes tEXt chunks (iTXt where it is not ASCII) before the pixels.
Buffer encode_png(const Image& image, const std::map<std::string, std::string>& text = {});

/// The texts that stand before the pixels of a PNG file.
std::map<std::string, std::string> png_text(const Blob& blob);

}  // namespace pushforward
