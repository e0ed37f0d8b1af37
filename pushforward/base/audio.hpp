#pragma once

#include <cstdint>
#include <vector>

#include "pushforward/base/file.hpp"

namespace pushforward {

/// Sound as numbers in [-1, 1]: integers of b bits divided by 2^(b-1).
struct Audio {
    std::int64_t rate = 0, channels = 1;  ///< frames a second; numbers a frame
    std::vector<float> samples;           ///< [frames, channels]

    std::int64_t frames() const { return static_cast<std::int64_t>(samples.size()) / channels; }
};

enum class SampleType { pcm8, pcm16, pcm24, pcm32, float32, float64 };

constexpr std::int64_t max_audio_seconds = 7200;

/// Does it begin like a WAV or a FLAC file?
bool is_audio(Bytes bytes);

/// Decodes WAV (integers of 8 to 32 bits, floats, µ-law; also as WAVE_FORMAT_EXTENSIBLE) or FLAC
/// with libsndfile. DataError names the place when it is cut short, corrupt, holds more than two
/// hours, more than `cap` bytes of samples, or one that is not finite.
Audio decode_audio(const Blob& blob, std::uint64_t cap = default_cap);

/// A WAV file. Numbers are rounded to the nearest integer and cut at the range's ends, so that what
/// was decoded from integers of as many bits comes back. UsageError when there is no rate or
/// channel.
Buffer encode_wav(const Audio& audio, SampleType type = SampleType::pcm16);

/// A FLAC file, the same; of 8, 16 or 24 bits.
Buffer encode_flac(const Audio& audio, SampleType type = SampleType::pcm16);

/// One channel made of all by their mean, or more from one by repetition; UsageError else.
Audio with_channels(const Audio& audio, std::int64_t channels);

/// The sound at another rate, by a windowed sinc (Kaiser & Schafer 1980): exact to 2e-5 up to 90 %
/// of the lower rate's Nyquist frequency, 100 dB down from that frequency on, zero beyond its ends.
/// Frame n of the result is at time n / rate; there are ceil(frames * rate / audio.rate) of them.
Audio resample(const Audio& audio, std::int64_t rate);

}  // namespace pushforward
