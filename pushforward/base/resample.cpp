#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <span>

#include "pushforward/base/audio.hpp"
#include "pushforward/base/errors.hpp"

namespace pushforward {
namespace {

constexpr double attenuation = 100;  // dB, of what lies above the lower Nyquist frequency
constexpr double pass = 0.9;         // of the lower Nyquist frequency
constexpr std::int64_t kept_phases = 4096;

/// The low-pass between `from` and `to` frames a second: weights of the input frames around a time.
class Filter {
public:
    Filter(std::int64_t from, std::int64_t to) {
        // In units of the input's rate: the band edges, and half the length that the window needs
        // for this attenuation and this transition (Kaiser & Schafer 1980, eqs. 5 and 8).
        const double nyquist =
            0.5 * std::min(1.0, static_cast<double>(to) / static_cast<double>(from));
        cutoff_ = nyquist * (1 + pass) / 2;
        const double transition = nyquist * (1 - pass) * 2 * std::numbers::pi;
        half_ = std::ceil((attenuation - 7.95) / (2.285 * transition) / 2);
        beta_ = 0.1102 * (attenuation - 8.7);
    }
    std::int64_t half() const { return static_cast<std::int64_t>(half_); }

    /// The weights of the input frames -half + 1 .. half for the time `phase` in [0, 1). Their sum
    /// is 1, so that a constant stays one.
    std::vector<double> row(double phase) const {
        std::vector<double> out;
        for (std::int64_t k = 1 - half(); k <= half(); ++k)
            out.push_back(at(static_cast<double>(k) - phase));
        const double sum = std::accumulate(out.begin(), out.end(), 0.0);
        for (double& w : out) w /= sum;
        return out;
    }

private:
    double at(double t) const {
        const double u = t / half_;
        if (std::abs(u) >= 1) return 0;
        const double x = 2 * std::numbers::pi * cutoff_ * t;
        const double sinc = x == 0 ? 1 : std::sin(x) / x;
        return sinc * std::cyl_bessel_i(0.0, beta_ * std::sqrt(1 - u * u));
    }

    double cutoff_, half_, beta_;
};

}  // namespace

Audio resample(const Audio& audio, std::int64_t rate) {
    PF_CHECK(rate > 0 && audio.rate > 0, "resample", "rates of at least 1",
             std::min(rate, audio.rate));
    if (rate == audio.rate) return audio;
    // Output frame n lies at input time n M / L.
    const std::int64_t divisor = std::gcd(rate, audio.rate);
    const std::int64_t L = rate / divisor, M = audio.rate / divisor;
    const Filter filter(audio.rate, rate);
    std::vector<std::vector<double>> rows(static_cast<std::size_t>(std::min(L, kept_phases)));

    Audio out{rate, audio.channels, {}};
    const std::int64_t frames = audio.frames(), length = (frames * L + M - 1) / M;
    const auto channels = static_cast<std::size_t>(audio.channels);
    out.samples.resize(static_cast<std::size_t>(length) * channels);
    std::vector<double> unkept, sum(channels);
    for (std::int64_t n = 0; n < length; ++n) {
        const std::int64_t whole = n * M / L, remainder = n * M % L;
        auto& row = L <= kept_phases ? rows[static_cast<std::size_t>(remainder)] : unkept;
        if (L > kept_phases || row.empty())
            row = filter.row(static_cast<double>(remainder) / static_cast<double>(L));
        std::fill(sum.begin(), sum.end(), 0.0);
        const std::int64_t first = whole + 1 - filter.half();
        const std::int64_t end = std::min(first + 2 * filter.half(), frames);
        for (std::int64_t k = std::max<std::int64_t>(first, 0); k < end; ++k) {
            const double weight = row[static_cast<std::size_t>(k - first)];
            const float* x = audio.samples.data() + static_cast<std::size_t>(k) * channels;
            for (std::size_t c = 0; c < channels; ++c) sum[c] += weight * static_cast<double>(x[c]);
        }
        for (std::size_t c = 0; c < channels; ++c)
            out.samples[static_cast<std::size_t>(n) * channels + c] = static_cast<float>(sum[c]);
    }
    return out;
}

}  // namespace pushforward
