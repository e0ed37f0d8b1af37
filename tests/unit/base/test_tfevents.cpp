#include "pushforward/base/tfevents.hpp"

#include <cstdio>
#include <cstdlib>

#include "pushforward/base/checksum.hpp"
#include "pushforward/base/json.hpp"
#include "tests/unit/base/fixtures.hpp"

using namespace pushforward;

namespace {

Image chequers() {
    Image image{4, 6, 3, {}};
    for (std::size_t i = 0; i < 72; ++i) image.pixels.push_back(i % 2 ? 255 : 0);
    return image;
}

/// What a command prints, and whether it ended well.
std::pair<std::string, bool> output_of(const std::string& command) {
    std::string out;
    FILE* pipe = ::popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    char piece[4096];
    for (std::size_t n; (n = std::fread(piece, 1, sizeof piece, pipe)) > 0;) out.append(piece, n);
    return {out, ::pclose(pipe) == 0};
}

}  // namespace

TEST_CASE("the masked checksum gives TensorBoard's vectors") {
    CHECK(masked_crc32c(bytes_of("123456789")) == 0xc78ab0e5);
    CHECK(masked_crc32c({}) == 0xa282ead8);
    CHECK(masked_crc32c(bytes_of(low_first(24, 8))) == 0x224b7fa3);
}

TEST_CASE("an event file begins with its version and its records are framed") {
    const Scratch scratch;
    EventWriter events(scratch.path());
    events.scalar("loss", 300, 0.5);
    events.sync();
    CHECK(events.path().filename().string().starts_with("events.out.tfevents."));
    const std::string bytes = content_of(events.path());
    CHECK(bytes.starts_with(low_first(24, 8) + low_first(0x224b7fa3, 4) + "\x09"));
    CHECK(bytes.substr(21, 15) ==
          "\x1a\x0d"
          "brain.Event:2");
    // The second record: time, step 300, a summary of one value of tag "loss" and 0.5.
    const std::string tail =
        std::string("\x10\xac\x02\x2a\x0d\x0a\x0b\x0a\x04loss\x15\0\0\0\x3f", 18);
    const std::string second = bytes.substr(40);
    CHECK(second.starts_with(low_first(27, 8)));
    CHECK(second.substr(21, 18) == tail);
    CHECK(second.substr(39) == low_first(masked_crc32c(bytes_of(second.substr(12, 27))), 4));
    EventWriter other(scratch.path());
    CHECK(other.path() != events.path());
}

TEST_CASE("a folder that cannot be written is a StorageError") {
    const Scratch scratch;
    write_atomic(scratch / "file", "x");
    CHECK(contains(message_of<StorageError>([&] { EventWriter(scratch / "file"); }), "file"));
}

TEST_CASE("TensorBoard's own reader reads scalars and pictures back") {
    const char* named = std::getenv("PF_TENSORBOARD_PYTHON");
    const std::string python = named ? named : "python3";
    if (!output_of(python + " -c 'import tensorboard' 2>&1").second) {
        MESSAGE("skipped: no tensorboard in " << python
                                              << " (PF_TENSORBOARD_PYTHON names another)");
        return;
    }
    const Scratch scratch;
    EventWriter events(scratch.path());
    for (int step = 0; step < 200; ++step)
        events.scalar("train/loss", step * 1000, 1.0 / (1 + step));
    events.scalar("train/norm", 1LL << 40, -2.5);
    events.picture("samples", 7, chequers());
    events.sync();
    const auto [out, good] = output_of(python + " '" PF_SOURCE_DIR "/tools/read_events.py' '" +
                                       scratch.path().string() + "' 2>/dev/null");
    REQUIRE(good);
    const json::value read = parse_json(out, "reader");
    const auto& loss = read.at("scalars").at("train/loss").as_array();
    REQUIRE(loss.size() == 200);
    for (std::size_t i = 0; i < loss.size(); ++i) {
        CHECK(loss[i].at(0).as_int64() == static_cast<std::int64_t>(i) * 1000);
        CHECK(static_cast<float>(loss[i].at(1).as_double()) ==
              static_cast<float>(1.0 / (1.0 + static_cast<double>(i))));
    }
    CHECK(read.at("scalars").at("train/norm").at(0).at(0).as_int64() == 1LL << 40);
    const auto& picture = read.at("images").at("samples").at(0);
    CHECK(picture.at(0).as_int64() == 7);
    CHECK(picture.at(1).as_int64() == 4);
    CHECK(picture.at(2).as_int64() == 6);
    CHECK(picture.at(3).as_string() == sha256(encode_png(chequers())));
}
