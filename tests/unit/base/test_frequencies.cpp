#include "pushforward/base/frequencies.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "pushforward/base/checksum.hpp"
#include "tests/unit/base/scratch.hpp"

using namespace pushforward;

namespace {

using Counts = std::vector<std::uint32_t>;

Counts frequencies(const std::vector<float>& logits, std::uint32_t total) {
    Counts out(logits.size());
    integer_frequencies(logits, total, out);
    return out;
}

/// Multiples of 2^-16 from (-(mask + 1) / 2^16, 0], by a congruential generator.
std::vector<float> made(std::size_t n, std::uint32_t mask) {
    std::vector<float> out;
    for (std::uint32_t state = 1; out.size() < n;) {
        state = state * 1664525 + 1013904223;
        out.push_back(static_cast<float>(state >> 8 & mask) / -65536.0F);
    }
    return out;
}

std::vector<double> softmax(const std::vector<float>& logits) {
    std::vector<double> out;
    double sum = 0, top = -1e30;
    for (const float x : logits) top = std::max<double>(top, x);
    for (const float x : logits) sum += out.emplace_back(std::exp(x - top));
    for (double& p : out) p /= sum;
    return out;
}

/// Entropy of softmax(logits) in bits, and the mean code length less the entropy.
std::pair<double, double> entropy_and_loss(const std::vector<float>& logits, std::uint32_t total) {
    const Counts counts = frequencies(logits, total);
    const std::vector<double> p = softmax(logits);
    double entropy = 0, loss = 0;
    for (std::size_t i = 0; i < p.size(); ++i) {
        if (p[i] == 0) continue;
        entropy -= p[i] * std::log2(p[i]);
        loss += p[i] * std::log2(p[i] * total / counts[i]);
    }
    return {entropy, loss};
}

std::vector<float> normal(std::size_t n, float scale, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> draw(0, scale);
    std::vector<float> out(n);
    for (float& x : out) x = draw(random);
    return out;
}

}  // namespace

TEST_CASE("integer frequencies are these, on every machine") {
    // From exact integers of unlimited size in Python.
    CHECK(frequencies({0, -1, 1, -2, -20}, 1 << 16) == Counts{15551, 5742, 42122, 2120, 1});
    const auto sum_of = [](const Counts& counts) {
        return crc32c(std::as_bytes(std::span(counts)));
    };
    CHECK(sum_of(frequencies(made(65, 0xfffff), 1 << 24)) == 0x86111068);
    CHECK(sum_of(frequencies(made(256, 0x7ffff), 1 << 16)) == 0xbc465194);
    CHECK(sum_of(frequencies(made(50257, 0xfffff), 1 << 30)) == 0xc2acb7f0);
    CHECK(sum_of(frequencies(made(1000, 0), std::uint32_t{1} << 31)) == 0x2c571df3);
}

TEST_CASE("they sum to the total, each at least 1, and are softmax on the grid") {
    for (const std::size_t n : {1, 2, 65, 256, 5000})
        for (const float scale : {0.0F, 0.3F, 3.0F, 30.0F}) {
            const std::vector<float> logits = normal(n, scale, static_cast<unsigned>(n));
            for (const std::uint32_t total : {5000U, 1U << 16, (1U << 24) - 1, 1U << 31}) {
                const Counts counts = frequencies(logits, total);
                CHECK(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}) == total);
                std::vector<double> w;
                for (const float x : logits)
                    w.push_back(std::exp2(std::floor(x / std::log(2.0) * 32 + 0.5) / 32));
                const double sum = std::accumulate(w.begin(), w.end(), 0.0);
                const auto largest =
                    static_cast<std::size_t>(std::max_element(w.begin(), w.end()) - w.begin());
                bool right = true;
                for (std::size_t i = 0; i < n; ++i) {
                    const double exact = 1 + (total - static_cast<double>(n)) * w[i] / sum;
                    const double rest = i == largest ? static_cast<double>(n) : 0;
                    right &= counts[i] >= 1 && counts[i] > exact - 1 - 1e-8 * exact &&
                             counts[i] < exact + rest + 1e-8 * exact;
                }
                CHECK(right);
            }
        }
}

TEST_CASE("what the grid and the rounding cost is below 0.1 % of the entropy") {
    for (const std::size_t n : {65, 256, 50257})
        for (const float scale : {0.0F, 1.0F, 2.0F, 4.0F}) {
            std::vector<float> logits = normal(n, scale, 3);
            const std::uint32_t total = std::uint32_t{1} << (n < 1000 ? 24 : 30);
            // By itself, and with one symbol of half and of 0.98 of all the mass.
            for (const float share : {0.0F, 0.5F, 0.98F}) {
                if (share > 0) {
                    const std::vector<double> p = softmax(logits);
                    logits[0] += std::log(share / (1 - share)) -
                                 static_cast<float>(std::log(p[0] / (1 - p[0])));
                }
                const auto [entropy, loss] = entropy_and_loss(logits, total);
                CHECK(loss > -1e-9);
                CHECK(loss < 1e-3 * entropy);
                CHECK(loss < 1e-4 + 2.0 * static_cast<double>(n) / total);
            }
        }
}

TEST_CASE("logits that stay in their cells of the grid give the same frequencies") {
    std::mt19937 random(4);
    const double cell = std::log(2.0) / 32;
    std::vector<float> centres(300), moved(300);
    for (std::size_t i = 0; i < 300; ++i) {
        const double k = static_cast<double>(random() % 800);
        const double off = static_cast<double>(random() % 981) / 1000 - 0.49;
        centres[i] = static_cast<float>(-k * cell);
        moved[i] = static_cast<float>((off - k) * cell);
    }
    CHECK(centres != moved);
    CHECK(frequencies(centres, 1 << 24) == frequencies(moved, 1 << 24));
    moved[7] -= static_cast<float>(cell);
    CHECK(frequencies(centres, 1 << 24) != frequencies(moved, 1 << 24));
}

TEST_CASE("impossible logits and totals are refused, and -inf is not") {
    const float inf = std::numeric_limits<float>::infinity();
    CHECK(frequencies({-inf, 0, -inf}, 100) == Counts{1, 98, 1});
    CHECK(frequencies({-1e30F, 1048576, 0}, 100) == Counts{1, 98, 1});
    const auto said = [](const std::vector<float>& logits) {
        return message_of<NumericalError>([&] { frequencies(logits, 100); });
    };
    CHECK(contains(said({0, std::nanf("")}), "got one above it or not a number"));
    CHECK(contains(said({std::nanf(""), 0}), "got one above it or not a number"));
    CHECK(contains(said({0, inf}), "got one above it or not a number"));
    CHECK(contains(said({-inf, -2e6F}), "got none above -2^20"));
    const auto refused = [](std::size_t n, std::uint32_t total, std::size_t room) {
        return message_of<UsageError>([&] {
            Counts out(room);
            integer_frequencies(std::vector<float>(n), total, out);
        });
    };
    CHECK(contains(refused(3, 2, 3), "got 3 symbols and a total of 2"));
    CHECK(contains(refused(0, 2, 0), "got 0 symbols"));
    CHECK(contains(refused(3, 0x80000001U, 3), "total of 2147483649"));
    CHECK(contains(refused(3, 100, 4), "expected 3 of them, got 4"));
}
