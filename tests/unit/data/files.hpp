#pragma once

#include "pushforward/base/file.hpp"
#include "pushforward/base/image.hpp"

#include <unistd.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace pushforward::testing {

/// A folder of its own that goes when the test ends.
class Folder {
public:
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "pf-data-XXXXXX").string();
        path_ = mkdtemp(name.data());
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    std::string operator/(const std::string& name) const { return path_ + "/" + name; }
    const std::string& path() const { return path_; }

    /// Writes a file, making the folders that it lies in; returns its path.
    std::string write(const std::string& name, const std::string& bytes) const {
        const std::filesystem::path file = path_ + "/" + name;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file, std::ios::binary) << bytes;
        return file.string();
    }

private:
    std::string path_;
};

inline std::string gzipped(const std::string& bytes) {
    z_stream stream{};
    deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    std::string out(deflateBound(&stream, bytes.size()) + 64, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

/// An IDX file of bytes.
inline std::string idx(const std::vector<int>& shape, const std::string& bytes) {
    std::string out = {0, 0, 8, static_cast<char>(shape.size())};
    for (const int n : shape)
        for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(n >> shift);
    return out + bytes;
}

/// A PNG of one colour.
inline std::string png(std::int64_t height, std::int64_t width, const std::vector<int>& colour) {
    Image image{height, width, static_cast<std::int64_t>(colour.size()), {}};
    for (std::int64_t i = 0; i < height * width; ++i)
        for (const int c : colour) image.pixels.push_back(static_cast<std::uint8_t>(c));
    const Buffer bytes = encode_png(image);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace pushforward::testing
