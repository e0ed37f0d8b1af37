#pragma once

#include <cstdint>
#include <string>

#include "pushforward/base/file.hpp"
#include "pushforward/base/image.hpp"

namespace pushforward {

/// Writes a TensorBoard event file `events.out.tfevents.<time>.<host>.<pid>.<n>` into a folder:
/// length-framed records with masked CRC-32C. Each record is written whole; StorageError names the
/// file when it cannot be.
class EventWriter {
public:
    explicit EventWriter(const FilePath& folder);
    ~EventWriter();
    EventWriter(const EventWriter&) = delete;
    EventWriter& operator=(const EventWriter&) = delete;

    void scalar(const std::string& tag, std::int64_t step, double value);
    void picture(const std::string& tag, std::int64_t step, const Image& image);
    void sync();
    const FilePath& path() const { return path_; }

private:
    void record(const std::string& event);

    FilePath path_;
    int file_ = -1;
};

/// TensorBoard's checksum: crc32c rotated right by 15 bits, plus 0xa282ead8.
std::uint32_t masked_crc32c(Bytes bytes);

}  // namespace pushforward
