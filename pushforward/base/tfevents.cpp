#include "pushforward/base/tfevents.hpp"

#include <unistd.h>

#include <atomic>
#include <bit>
#include <chrono>

#include "pushforward/base/checksum.hpp"
#include "pushforward/base/errors.hpp"

namespace pushforward {
namespace {

// Protocol-buffer fields: a key of (number << 3 | wire type), then the value.
void varint(std::string& out, std::uint64_t value) {
    for (; value >= 128; value >>= 7) out += static_cast<char>(value | 128);
    out += static_cast<char>(value);
}

template <class T>
void raw(std::string& out, T value) {  // this machine is little-endian, as the format is
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void integer_field(std::string& out, unsigned number, std::int64_t value) {
    varint(out, number << 3);
    varint(out, static_cast<std::uint64_t>(value));
}

void double_field(std::string& out, unsigned number, double value) {
    varint(out, number << 3 | 1);
    raw(out, value);
}

void bytes_field(std::string& out, unsigned number, std::string_view value) {
    varint(out, number << 3 | 2);
    varint(out, value.size());
    out += value;
}

void float_field(std::string& out, unsigned number, float value) {
    varint(out, number << 3 | 5);
    raw(out, value);
}

double now() {
    return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

FilePath new_file(const FilePath& folder) {
    static std::atomic<int> count{0};
    make_folder(folder);
    char host[256] = "localhost";
    ::gethostname(host, sizeof host - 1);
    return folder / text("events.out.tfevents.", static_cast<std::int64_t>(now()), ".", host, ".",
                         ::getpid(), ".", count++);
}

/// Event{1 wall_time, 2 step, 5 summary{1 value}}.
std::string event_of(std::int64_t step, const std::string& value) {
    std::string summary, event;
    bytes_field(summary, 1, value);
    double_field(event, 1, now());
    integer_field(event, 2, step);
    bytes_field(event, 5, summary);
    return event;
}

}  // namespace

std::uint32_t masked_crc32c(Bytes bytes) {
    return std::rotr(crc32c(bytes), 15) + 0xa282ead8;
}

EventWriter::EventWriter(const FilePath& folder) : file_(new_file(folder)) {
    std::string event;
    double_field(event, 1, now());
    bytes_field(event, 3, "brain.Event:2");
    record(event);
}

void EventWriter::scalar(const std::string& tag, std::int64_t step, double value) {
    std::string out;
    bytes_field(out, 1, tag);
    float_field(out, 2, static_cast<float>(value));
    record(event_of(step, out));
}

void EventWriter::picture(const std::string& tag, std::int64_t step, const Image& image) {
    const Blob png = blob_of("", encode_png(image));
    std::string picture, out;
    integer_field(picture, 1, image.height);
    integer_field(picture, 2, image.width);
    integer_field(picture, 3, image.channels);
    bytes_field(picture, 4, png.text());
    bytes_field(out, 1, tag);
    bytes_field(out, 4, picture);
    record(event_of(step, out));
}

void EventWriter::record(const std::string& event) {
    std::string length, out;
    raw(length, std::uint64_t{event.size()});
    out = length;
    raw(out, masked_crc32c(bytes_of(length)));
    out += event;
    raw(out, masked_crc32c(bytes_of(event)));
    file_.append(bytes_of(out));
}

}  // namespace pushforward
