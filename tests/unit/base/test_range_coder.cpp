#include "pushforward/base/range_coder.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include "tests/unit/base/scratch.hpp"

using namespace pushforward;

namespace {

struct Step {
    std::uint32_t low, high;
    int bits;
};

Buffer code_of(const std::vector<Step>& steps) {
    RangeEncoder coder;
    for (const Step& step : steps) coder.encode(step.low, step.high, step.bits);
    return coder.finish();
}

/// Whether the decoder is led to each interval and then stands at the end.
bool comes_back(Bytes code, const std::vector<Step>& steps) {
    RangeDecoder decoder(code);
    for (const Step& step : steps) {
        const std::uint32_t target = decoder.target(step.bits);
        if (target < step.low || target >= step.high || decoder.overrun() > 8) return false;
        decoder.take(step.low, step.high, step.bits);
    }
    return decoder.overrun() >= 4 && decoder.overrun() <= 8;
}

double ideal_bits(const std::vector<Step>& steps) {
    double out = 0;
    for (const Step& step : steps) out += step.bits - std::log2(step.high - step.low);
    return out;
}

/// Symbols drawn from random laws: the interval between two cuts that holds a uniform count.
std::vector<Step> drawn(std::size_t n, std::mt19937_64& random, int cuts) {
    std::vector<Step> out;
    while (out.size() < n) {
        const int bits = 1 + static_cast<int>(random() % 31);
        const auto count = [&] { return static_cast<std::uint32_t>(random() >> (64 - bits)); };
        const std::uint32_t symbol = count();
        Step step{0, std::uint32_t{1} << bits, bits};
        for (int i = 0; i < cuts; ++i) {
            const std::uint32_t cut = random() % 2 ? count() : count() >> (random() % 31);
            if (cut <= symbol) step.low = std::max(step.low, cut);
            if (cut > symbol) step.high = std::min(step.high, cut);
        }
        out.push_back(step);
    }
    return out;
}

}  // namespace

TEST_CASE("symbols of random laws come back, at the length of their probabilities") {
    std::mt19937_64 random(1);
    for (const int cuts : {0, 1, 3, 30, 300}) {
        const std::vector<Step> steps = drawn(20000, random, cuts);
        const Buffer code = code_of(steps);
        CHECK(comes_back(code, steps));
        const double bits = 8 * static_cast<double>(code.size()), ideal = ideal_bits(steps);
        // The product of the intervals holds the code; nine bits end it. By luck a shorter fraction
        // lies there: 16 bits less once in 2^16.
        CHECK(bits >= ideal - 16);
        CHECK(bits <= ideal + 9 + 1e-3);
    }
    for (int i = 0; i < 3000; ++i) {
        const std::vector<Step> steps = drawn(random() % 20, random, 3);
        const Buffer code = code_of(steps);
        REQUIRE(comes_back(code, steps));
        REQUIRE(8 * static_cast<double>(code.size()) <= ideal_bits(steps) + 9);
    }
}

TEST_CASE("the narrowest and the widest intervals come back") {
    const std::uint32_t top = std::uint32_t{1} << 31;
    std::vector<Step> steps;
    for (int i = 0; i < 3000; ++i) {
        steps.push_back({top - 1, top, 31});  // hardly below a carry
        steps.push_back({0, 1, 31});
        steps.push_back({1, top, 31});
        steps.push_back({0, top, 31});
        steps.push_back({1, 2, 1});
    }
    CHECK(comes_back(code_of(steps), steps));
    CHECK(code_of({}).empty());
    CHECK(code_of({{0, 1, 1}}).empty());  // nothing reads as zeros
    CHECK(code_of({{1, 2, 1}}).size() == 1);
}

TEST_CASE("a code's end is known, and any bytes decode safely") {
    std::mt19937_64 random(2);
    const std::vector<Step> steps = drawn(500, random, 30);
    Buffer code = code_of(steps);
    CHECK_FALSE(comes_back(Bytes(code).first(code.size() - 9), steps));
    code.resize(code.size() + 9);
    CHECK_FALSE(comes_back(code, steps));
    for (int i = 0; i < 300; ++i) {
        Buffer bytes(random() % 40, std::byte{0xff});
        if (i > 20)
            for (auto& byte : bytes) byte = static_cast<std::byte>(random());
        RangeDecoder decoder(bytes);
        for (int k = 0; k < 100; ++k) {
            const int bits = 1 + static_cast<int>(random() % 31);
            const std::uint32_t target = decoder.target(bits);
            REQUIRE(target < std::uint32_t{1} << bits);
            decoder.take(target, target + 1, bits);
        }
        CHECK(decoder.overrun() > 0);
    }
}

TEST_CASE("impossible intervals are refused") {
    RangeEncoder coder;
    const auto said = [&](std::uint32_t low, std::uint32_t high, int bits) {
        return message_of<UsageError>([&] { coder.encode(low, high, bits); });
    };
    CHECK(contains(said(0, 1, 0), "expected 1 to 31 bits, got 0"));
    CHECK(contains(said(0, 1, 32), "expected 1 to 31 bits, got 32"));
    CHECK(contains(said(3, 3, 2), "expected low < high <= 2^2, got 3 and 3"));
    CHECK(contains(said(3, 5, 2), "expected low < high <= 2^2, got 3 and 5"));
}
