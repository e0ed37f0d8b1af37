#pragma once

#include <cstdint>
#include <string>

#include "pushforward/base/file.hpp"
#include "pushforward/base/image.hpp"

namespace pushforward {

/// Writes a TensorBoard event file `events.out.tfevents.<time>.<host>.<pid>.<n>` into a folder:
/// length-framed records with masked CRC-32C, each written whole or not at all (StorageError).
class EventWriter {
public:
    explicit EventWriter(const FilePath& folder);

    void scalar(const std::string& tag, std::int64_t step, double value);
    void picture(const std::string& tag, std::int64_t step, const Image& image);
    void sync() { file_.sync(); }
    const FilePath& path() const { return file_.path(); }

private:
    void record(const std::string& event);

    AppendFile file_;
};

/// TensorBoard's checksum: crc32c rotated right by 15 bits, plus 0xa282ead8.
std::uint32_t masked_crc32c(Bytes bytes);

}  // namespace pushforward
