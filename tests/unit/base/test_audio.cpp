#include "pushforward/base/audio.hpp"

#include <cmath>
#include <functional>
#include <numbers>

#include "tests/unit/base/fixtures.hpp"

using namespace pushforward;

namespace {

std::string text_of(const Buffer& bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
Audio through(const Buffer& bytes) {
    return decode_audio(blob_of("f", text_of(bytes)));
}

/// A WAV file of these chunks.
std::string riff(const std::string& chunks) {
    return "RIFF" + low_first(chunks.size() + 4, 4) + "WAVE" + chunks;
}
std::string chunk(const std::string& name, const std::string& data) {
    return name + low_first(data.size(), 4) + data + std::string(data.size() % 2, '\0');
}
/// Its format: 1 for integers, 3 for floats.
std::string format(unsigned tag, unsigned channels, unsigned bits, unsigned rate = 8000) {
    const unsigned frame = channels * bits / 8;
    return low_first(tag, 2) + low_first(channels, 2) + low_first(rate, 4) +
           low_first(rate * frame, 4) + low_first(frame, 2) + low_first(bits, 2);
}
std::string extensible(unsigned tag, unsigned channels, unsigned bits) {
    return format(0xFFFE, channels, bits) + low_first(22, 2) + low_first(bits, 2) +
           low_first(0, 4) + low_first(tag, 2) +
           std::string("\x00\x00\x00\x00\x10\x00\x80\x00\x00\xAA\x00\x38\x9B\x71", 14);
}
Audio decoded(const std::string& bytes) {
    return decode_audio(blob_of("f", bytes));
}

Audio tone(std::int64_t rate, double frequency, std::int64_t frames) {
    Audio out{rate, 1, {}};
    for (std::int64_t n = 0; n < frames; ++n)
        out.samples.push_back(
            static_cast<float>(std::sin(2 * std::numbers::pi * frequency * static_cast<double>(n) /
                                        static_cast<double>(rate))));
    return out;
}

}  // namespace

TEST_CASE("WAV files written byte by byte are read") {
    const Audio a = decoded(riff(chunk("fmt ", format(1, 1, 16)) + chunk("odd ", "abc") +
                                 chunk("data", low_first(0x8000, 2) + low_first(0x4000, 2))));
    CHECK(a.rate == 8000);
    CHECK(a.channels == 1);
    CHECK(a.samples == std::vector<float>{-1, 0.5f});
    CHECK(decoded(riff(chunk("fmt ", format(1, 1, 8)) + chunk("data", "\x80\xff\x40"))).samples ==
          std::vector<float>{0, 127.0f / 128, -0.5f});
    CHECK(decoded(riff(chunk("fmt ", format(1, 2, 24)) +
                       chunk("data", low_first(0x400000, 3) + low_first(0xC00000, 3))))
              .samples == std::vector<float>{0.5f, -0.5f});
    CHECK(
        decoded(riff(chunk("fmt ", extensible(1, 1, 32)) + chunk("data", low_first(0x20000000, 4))))
            .samples == std::vector<float>{0.25f});
    CHECK(decoded(riff(chunk("fmt ", format(3, 1, 32)) + chunk("data", low_first(0x3FC00000, 4))))
              .samples == std::vector<float>{1.5f});
    CHECK(decoded(riff(chunk("fmt ", extensible(3, 1, 64)) +
                       chunk("data", low_first(0x3FE0000000000000, 8))))
              .samples == std::vector<float>{0.5f});
}

TEST_CASE("what was decoded from integers comes back") {
    for (const auto& [type, bits] :
         {std::pair{SampleType::pcm8, 8}, {SampleType::pcm16, 16}, {SampleType::pcm24, 24}}) {
        CAPTURE(bits);
        Audio a{16000, 2, {}};
        const int range = 1 << (bits - 1);
        for (int k = -range; k < range; k += std::max(1, range / 1000))
            a.samples.push_back(static_cast<float>(k) / static_cast<float>(range));
        a.samples.push_back(static_cast<float>(range - 1) / static_cast<float>(range));
        if (a.samples.size() % 2) a.samples.push_back(0);
        for (const Buffer& file : {encode_wav(a, type), encode_flac(a, type)}) {
            const Audio b = through(file);
            CHECK(b.rate == 16000);
            CHECK(b.channels == 2);
            CHECK(b.samples == a.samples);
        }
        CHECK(encode_wav(a, type) == encode_wav(a, type));
        CHECK(encode_flac(a, type) == encode_flac(a, type));
    }
    Audio a{8000, 1, {-1, 0.3f, 2e-9f, 0.75f}};
    CHECK(through(encode_wav(a, SampleType::float32)).samples == a.samples);
    CHECK(through(encode_wav(a, SampleType::float64)).samples == a.samples);
    CHECK(through(encode_wav(a, SampleType::pcm32)).samples[3] == 0.75f);
    // Beyond the range is cut, not wrapped.
    CHECK(through(encode_wav({8000, 1, {2, -2, 1}})).samples ==
          std::vector<float>{32767.0f / 32768, -1, 32767.0f / 32768});
    CHECK(through(encode_wav({8000, 1, {}})).samples.empty());
    const Audio many{8000, 3, {0, 0.5f, -0.5f}};
    CHECK(through(encode_wav(many)).samples == many.samples);
    CHECK(contains(message_of<UsageError>([] { encode_wav({0, 1, {}}); }), "a rate of 1 to"));
    CHECK(contains(message_of<UsageError>([] { encode_wav({8000, 2, {1}}); }), "whole frames"));
    CHECK(message_of<UsageError>([] { encode_flac({8000, 1, {}}, SampleType::pcm32); }) ==
          "FLAC: expected 8, 16 or 24 bits, got 32");
}

TEST_CASE("malformed sound is refused") {
    const std::string fmt = chunk("fmt ", format(1, 1, 16));
    CHECK_SAYS(decoded("RIFX"), "f: expected a WAV or FLAC file");
    CHECK_SAYS(decoded(riff(fmt + "data" + low_first(9, 4) + "1234")),
               "f: byte 36: expected 9 bytes of the WAV file's chunk, 4 are left");
    CHECK_SAYS(decoded(riff(fmt)), "expected a WAV file with a chunk called data");
    CHECK_SAYS(decoded(riff(chunk("fmt ", format(77, 1, 16)) + chunk("data", "12"))), "f: ");
    CHECK_SAYS(
        decoded(riff(chunk("fmt ", format(3, 1, 32)) + chunk("data", low_first(0x7FC00000, 4)))),
        "f: frame 0: expected a finite number");
    const std::string flac = text_of(encode_flac(tone(8000, 440, 20000)));
    CHECK(decoded(flac).frames() == 20000);
    CHECK_SAYS(decoded(flac.substr(0, flac.size() / 2)), "expected 20000 frames");
    CHECK_SAYS(decode_audio(blob_of("f", flac), 1000), "expected at most 250 frames");
}

TEST_CASE("channels are averaged or repeated") {
    const Audio stereo{8000, 2, {1, 0, -0.5f, 0.25f}};
    CHECK(with_channels(stereo, 1).samples == std::vector<float>{0.5f, -0.125f});
    CHECK(with_channels(with_channels(stereo, 1), 2).samples ==
          std::vector<float>{0.5f, 0.5f, -0.125f, -0.125f});
    CHECK(with_channels(stereo, 2).samples == stereo.samples);
    CHECK(contains(message_of<UsageError>([&] { with_channels(stereo, 3); }), "1 channel from 2"));
}

TEST_CASE("a tone keeps its frequency at another rate, and what cannot be there is gone") {
    for (const auto& [from, to] : {std::pair<std::int64_t, std::int64_t>{8000, 16000},
                                   {44100, 16000},
                                   {16000, 8000},
                                   {48000, 44100},
                                   {8000, 11025},
                                   {22050, 9973}}) {
        CAPTURE(from);
        CAPTURE(to);
        const double nyquist = static_cast<double>(std::min(from, to)) / 2;
        for (const double f : {100.0, 0.5 * nyquist, 0.89 * nyquist}) {
            const Audio in = tone(from, f, from / 2), out = resample(in, to);
            CHECK(out.frames() == (in.frames() * to + from - 1) / from);
            const Audio truth = tone(to, f, out.frames());
            double worst = 0;
            for (std::int64_t n = to / 20; n < out.frames() - to / 20; ++n) {
                const auto i = static_cast<std::size_t>(n);
                worst = std::max(worst, std::abs(static_cast<double>(out.samples[i]) -
                                                 static_cast<double>(truth.samples[i])));
            }
            CHECK(worst < 2e-5);
        }
        if (to > from) continue;
        const Audio gone = resample(tone(from, 1.01 * nyquist, from / 2), to);
        double worst = 0;
        for (std::int64_t n = to / 20; n < gone.frames() - to / 20; ++n)
            worst = std::max(
                worst, std::abs(static_cast<double>(gone.samples[static_cast<std::size_t>(n)])));
        CHECK(worst < 2e-5);
    }
    const Audio two = resample({8000, 2, std::vector<float>(8000, 0.25f)}, 12000);
    CHECK(two.frames() == 6000);
    CHECK(two.samples[6001] == doctest::Approx(0.25f).epsilon(1e-6));
    const Audio a = tone(8000, 440, 100);
    CHECK(resample(a, 8000).samples == a.samples);
    CHECK(contains(message_of<UsageError>([&] { resample(a, 0); }), "rates of at least 1"));
}

TEST_CASE("a real spoken digit is read") {
    const std::filesystem::path file =
        std::filesystem::path(PF_SOURCE_DIR) / "../shared/data/fsdd/recordings/7_jackson_3.wav";
    if (!std::filesystem::exists(file)) {
        MESSAGE("skipped: ../shared/data is not here");
        return;
    }
    const Blob blob = map_file(file);
    const Audio a = decode_audio(blob);
    CHECK(a.rate == 8000);
    CHECK(a.channels == 1);
    // 16 bits a frame behind a header of 44 bytes.
    CHECK(a.samples.size() == (blob.bytes.size() - 44) / 2);
    CHECK(through(encode_flac(a)).samples == a.samples);
}
