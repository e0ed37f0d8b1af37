#include "pushforward/base/sniff.hpp"

#include <algorithm>

#include "pushforward/base/byte_order.hpp"
#include "pushforward/base/utf8.hpp"

namespace pushforward {
namespace {

bool is_text(std::string_view text) {
    const std::string_view head = text.substr(0, 4096);
    for (const char c : head)
        if ((c >= 0 && c < ' ' && c != '\t' && c != '\n' && c != '\r' && c != '\f') || c == 127)
            return false;
    const std::size_t bad = find_invalid_utf8(head);
    // The cut at 4096 may go through a character.
    return bad == std::string_view::npos || (head.size() < text.size() && bad + 3 >= head.size());
}

}  // namespace

FileKind sniff(Bytes bytes) {
    using namespace std::string_view_literals;
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (text.starts_with("\x1f\x8b"sv)) return FileKind::gzip;
    if (text.starts_with("PK\x03\x04"sv) || text.starts_with("PK\x05\x06"sv)) return FileKind::zip;
    if (text.starts_with("\x89PNG\r\n\x1a\n"sv)) return FileKind::png;
    if (text.starts_with("\xff\xd8\xff"sv)) return FileKind::jpeg;
    if (text.starts_with("\x93NUMPY"sv)) return FileKind::npy;
    if (text.starts_with("RIFF"sv) && text.size() >= 12 && text.substr(8, 4) == "WAVE")
        return FileKind::wav;
    // HDF5 begins at 0, 512, 1024, 2048, ...: what is before it is the user's.
    for (std::size_t at = 0; at < text.size(); at = at ? 2 * at : 512)
        if (text.substr(at, 8) == "\x89HDF\r\n\x1a\n"sv) return FileKind::hdf5;
    if (text.size() > 8 && text[8] == '{' && little_endian<std::uint64_t>(bytes, 0) <= 100'000'000)
        return FileKind::safetensors;
    if (text.size() >= 8 && text.starts_with("\0\0"sv) &&
        "\x08\x09\x0b\x0c\x0d\x0e"sv.find(text[2]) != std::string_view::npos && text[3] >= 1 &&
        text[3] <= 8)
        return FileKind::idx;
    if (!text.empty() && is_text(text)) return FileKind::text;
    return FileKind::unknown;
}

const char* name_of(FileKind kind) {
    constexpr const char* names[] = {"unknown", "gzip",        "zip",  "PNG", "JPEG", "npy",
                                     "IDX",     "safetensors", "HDF5", "WAV", "text"};
    return names[static_cast<std::size_t>(kind)];
}

}  // namespace pushforward
