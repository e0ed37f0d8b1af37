#include "pushforward/base/audio.hpp"

#include <sndfile.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

#include "pushforward/base/byte_order.hpp"
#include "pushforward/base/errors.hpp"

namespace pushforward {
namespace {

constexpr std::int64_t max_channels = 64, max_rate = 1'000'000;

/// What libsndfile reads from, or writes to, instead of a file.
struct Memory {
    Bytes in;
    Buffer out;
    sf_count_t at = 0;
    bool writing = false;

    sf_count_t size() const { return static_cast<sf_count_t>(writing ? out.size() : in.size()); }
};

Memory& memory(void* user) {
    return *static_cast<Memory*>(user);
}
sf_count_t size_of(void* user) {
    return memory(user).size();
}
sf_count_t tell(void* user) {
    return memory(user).at;
}
sf_count_t seek(sf_count_t offset, int whence, void* user) {
    Memory& m = memory(user);
    const sf_count_t from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? m.at : m.size();
    m.at = std::clamp<sf_count_t>(from + offset, 0, m.size());
    return m.at;
}
sf_count_t read(void* to, sf_count_t count, void* user) {
    Memory& m = memory(user);
    const sf_count_t n = std::clamp<sf_count_t>(count, 0, m.size() - m.at);
    if (n > 0) std::memcpy(to, m.in.data() + m.at, static_cast<std::size_t>(n));
    m.at += n;
    return n;
}
sf_count_t write(const void* from, sf_count_t count, void* user) {
    Memory& m = memory(user);
    m.out.resize(static_cast<std::size_t>(std::max(m.size(), m.at + count)));
    std::memcpy(m.out.data() + m.at, from, static_cast<std::size_t>(count));
    m.at += count;
    return count;
}

struct Close {
    void operator()(SNDFILE* file) const { sf_close(file); }
};
using File = std::unique_ptr<SNDFILE, Close>;

File open(Memory& m, int mode, SF_INFO& info) {
    SF_VIRTUAL_IO calls{size_of, seek, read, write, tell};
    return File(sf_open_virtual(&calls, mode, &info, &m));
}

/// libsndfile takes what it finds of a WAV whose data are cut short; we do not.
void check_chunks(const Blob& blob) {
    const std::string_view text = blob.text();
    for (std::size_t at = 12; at + 8 <= text.size();) {
        const std::size_t size = little_endian<std::uint32_t>(blob.bytes, at + 4);
        const std::size_t left = text.size() - at - 8;
        if (size > left)
            throw DataError(blob.name, pushforward::text("byte ", at),
                            pushforward::text("expected ", size, " bytes of the WAV file's chunk, ",
                                              left, " are left"));
        if (text.substr(at, 4) == "data") return;
        at += 8 + size + size % 2;  // a chunk of odd length is padded
    }
    throw DataError(blob.name, "", "expected a WAV file with a chunk called data");
}

int bits_of(SampleType type) {
    constexpr int bits[] = {8, 16, 24, 32, 0, 0};
    return bits[static_cast<std::size_t>(type)];
}

Buffer encode(const Audio& audio, int format, int bits) {
    PF_CHECK(audio.rate > 0 && audio.rate <= max_rate, "audio", text("a rate of 1 to ", max_rate),
             audio.rate);
    PF_CHECK(audio.channels > 0 && audio.channels <= max_channels &&
                 audio.samples.size() % static_cast<std::size_t>(audio.channels) == 0,
             "audio", text("1 to ", max_channels, " channels and whole frames"), audio.channels,
             " channels and ", audio.samples.size(), " numbers");
    Memory m;
    m.writing = true;
    SF_INFO info{};
    info.samplerate = static_cast<int>(audio.rate);
    info.channels = static_cast<int>(audio.channels);
    info.format = format;
    File file = open(m, SFM_WRITE, info);
    if (!file) throw Error(1, text("audio: cannot be encoded: ", sf_strerror(nullptr)));
    // That chunk holds the time of day.
    sf_command(file.get(), SFC_SET_ADD_PEAK_CHUNK, nullptr, SF_FALSE);
    const auto count = static_cast<sf_count_t>(audio.samples.size());
    sf_count_t written = 0;
    if (bits == 0) {
        written = sf_write_float(file.get(), audio.samples.data(), count);
    } else {
        const double scale = std::ldexp(1.0, bits - 1);
        std::vector<int> whole;
        whole.reserve(audio.samples.size());
        for (const float x : audio.samples) {
            const double value = std::isnan(x) ? 0 : std::nearbyint(static_cast<double>(x) * scale);
            const auto k = static_cast<std::int64_t>(std::clamp(value, -scale, scale - 1));
            whole.push_back(static_cast<int>(k * (std::int64_t{1} << (32 - bits))));
        }
        written = sf_write_int(file.get(), whole.data(), count);
    }
    if (written != count || sf_error(file.get()) != 0)
        throw Error(1, text("audio: cannot be encoded: ", sf_strerror(file.get())));
    file.reset();  // the header is complete when the file is closed
    return std::move(m.out);
}

}  // namespace

bool is_audio(Bytes bytes) {
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return text.starts_with("fLaC") ||
           (text.starts_with("RIFF") && text.size() >= 12 && text.substr(8, 4) == "WAVE");
}

Audio decode_audio(const Blob& blob, std::uint64_t cap) {
    if (!is_audio(blob.bytes)) throw DataError(blob.name, "", "expected a WAV or FLAC file");
    if (blob.text().starts_with("RIFF")) check_chunks(blob);
    Memory m;
    m.in = blob.bytes;
    SF_INFO info{};
    const File file = open(m, SFM_READ, info);
    if (!file)
        throw DataError(blob.name, "", std::string("cannot be decoded: ") + sf_strerror(nullptr));
    Audio out;
    out.rate = info.samplerate;
    out.channels = info.channels;
    if (out.rate < 1 || out.rate > max_rate || out.channels < 1 || out.channels > max_channels)
        throw DataError(blob.name, "",
                        text("expected a rate of 1 to ", max_rate, " and 1 to ", max_channels,
                             " channels, got ", out.rate, " and ", out.channels));
    const auto limit =
        std::min<std::uint64_t>(static_cast<std::uint64_t>(max_audio_seconds * out.rate),
                                cap / sizeof(float) / static_cast<std::uint64_t>(out.channels));
    const auto refuse = [&](std::int64_t frames) -> DataError {
        return DataError(blob.name, "",
                         text("expected at most ", limit, " frames (two hours, or ", cap,
                              " bytes), got ", frames, " or more"));
    };
    if (info.frames > 0 && static_cast<std::uint64_t>(info.frames) > limit)
        throw refuse(info.frames);
    // The header may promise any number of frames: memory is taken as they come.
    std::vector<float> block(static_cast<std::size_t>(4096 * out.channels));
    for (;;) {
        const sf_count_t got = sf_readf_float(file.get(), block.data(), 4096);
        if (got <= 0) break;
        out.samples.insert(out.samples.end(), block.begin(), block.begin() + got * out.channels);
        if (static_cast<std::uint64_t>(out.frames()) > limit) throw refuse(out.frames());
    }
    if (sf_error(file.get()) != 0 || out.frames() != info.frames)
        throw DataError(
            blob.name, text("frame ", out.frames()),
            text("expected ", info.frames, " frames, the file is cut short or corrupt"));
    for (std::size_t i = 0; i < out.samples.size(); ++i)
        if (!std::isfinite(out.samples[i]))
            throw DataError(blob.name, text("frame ", i / static_cast<std::size_t>(out.channels)),
                            text("expected a finite number, got ", out.samples[i]));
    return out;
}

Buffer encode_wav(const Audio& audio, SampleType type) {
    constexpr int formats[] = {SF_FORMAT_PCM_U8, SF_FORMAT_PCM_16, SF_FORMAT_PCM_24,
                               SF_FORMAT_PCM_32, SF_FORMAT_FLOAT,  SF_FORMAT_DOUBLE};
    const int container = audio.channels > 2 ? SF_FORMAT_WAVEX : SF_FORMAT_WAV;
    return encode(audio, container | formats[static_cast<std::size_t>(type)], bits_of(type));
}

Buffer encode_flac(const Audio& audio, SampleType type) {
    const int bits = bits_of(type);
    PF_CHECK(bits == 8 || bits == 16 || bits == 24, "FLAC", "8, 16 or 24 bits", bits);
    const int format = bits == 8    ? SF_FORMAT_PCM_S8
                       : bits == 16 ? SF_FORMAT_PCM_16
                                    : SF_FORMAT_PCM_24;
    return encode(audio, SF_FORMAT_FLAC | format, bits);
}

Audio with_channels(const Audio& audio, std::int64_t channels) {
    if (channels == audio.channels) return audio;
    PF_CHECK(channels > 0 && (channels == 1 || audio.channels == 1), "audio",
             text("1 channel from ", audio.channels, ", or any number from 1"), channels);
    Audio out{audio.rate, channels, {}};
    const auto from = static_cast<std::size_t>(audio.channels);
    for (std::size_t i = 0; i < audio.samples.size(); i += from) {
        double sum = 0;
        for (std::size_t c = 0; c < from; ++c) sum += static_cast<double>(audio.samples[i + c]);
        const auto mean = static_cast<float>(sum / static_cast<double>(from));
        out.samples.insert(out.samples.end(), static_cast<std::size_t>(channels), mean);
    }
    return out;
}

}  // namespace pushforward
