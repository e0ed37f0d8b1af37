#include "pushforward/base/philox.hpp"

#include <doctest/doctest.h>

#include <Random123/philox.h>

#include <algorithm>
#include <cmath>
#include <vector>

using namespace pushforward;

TEST_CASE("Philox4x32-10 equals Random123's, block for block") {
    for (std::uint32_t i = 0; i < 1000; ++i) {
        const std::uint32_t c[4] = {i * 2654435761u, i ^ 0xABCDEFu, ~i, i << 20};
        const std::uint32_t k[2] = {i * 40503u, 0xFFFFFFFFu - i};
        std::uint32_t ours[4];
        philox_block(c, k, ours);
        const auto theirs = r123::Philox4x32()({{c[0], c[1], c[2], c[3]}}, {{k[0], k[1]}});
        for (std::size_t j = 0; j < 4; ++j) CHECK(ours[j] == theirs[j]);
    }
}

TEST_CASE("a piece of a run equals the same elements of the whole") {
    const PhiloxPlace place{7, 3, 2};
    std::vector<float> whole(5000), piece(1237);
    philox_normal(place, 0, whole.size(), whole.data());
    philox_normal(place, 1028, piece.size(), piece.data());
    for (std::size_t i = 0; i < piece.size(); ++i) REQUIRE(piece[i] == whole[i + 1028]);
}

TEST_CASE("many rows at once equal the rows one by one") {
    for (std::size_t n : {1, 2, 3, 5, 64, 127, 128, 129, 300}) {
        const std::size_t rows = 150;
        const PhiloxPlace place{7, 0xFFFFFFF0u, 2};  // the low word of the row overflows within
        std::vector<float> f(n * rows), f1(n);
        std::vector<double> d(n * rows), d1(n);
        std::vector<std::uint64_t> b(n * rows), b1(n);
        philox_normal(place, 0, n, f.data(), rows);
        philox_uniform(place, 0, n, d.data(), rows);
        philox_bits(place, 0, n, b.data(), rows);
        for (std::size_t r = 0; r < rows; ++r) {
            const PhiloxPlace one{7, 0xFFFFFFF0u + r, 2};
            philox_normal(one, 0, n, f1.data());
            philox_uniform(one, 0, n, d1.data());
            philox_bits(one, 0, n, b1.data());
            const auto at = static_cast<std::ptrdiff_t>(r * n);
            REQUIRE(std::equal(f1.begin(), f1.end(), f.begin() + at));
            REQUIRE(std::equal(d1.begin(), d1.end(), d.begin() + at));
            REQUIRE(std::equal(b1.begin(), b1.end(), b.begin() + at));
        }
    }
}

TEST_CASE("normals equal Box and Muller's formula by the C library") {
    for (std::uint64_t row = 0; row < 2000; ++row) {
        const PhiloxPlace place{11, row, 5};
        std::uint64_t w[2];
        double z[2];
        float f[4];
        philox_bits(place, 0, 2, w);
        philox_normal(place, 0, 2, z);
        philox_normal(place, 0, 4, f);
        const double u = static_cast<double>(w[0] >> 11) * 0x1p-53 + 0x1p-54;
        const double a = 2 * M_PI * static_cast<double>(static_cast<std::int64_t>(w[1])) * 0x1p-64;
        const double r = std::sqrt(-2 * std::log(u));
        CHECK(std::abs(z[0] - r * std::cos(a)) < 1e-13);
        CHECK(std::abs(z[1] - r * std::sin(a)) < 1e-13);
        const auto x0 = static_cast<std::uint32_t>(w[0] >> 32);
        const auto x1 = static_cast<std::uint32_t>(w[0]);
        const double fu = static_cast<double>(x0 >> 1) * 0x1p-31 + 0x1p-32;
        const double fa = 2 * M_PI * static_cast<double>(static_cast<std::int32_t>(x1)) * 0x1p-32;
        const double fr = std::sqrt(-2 * std::log(fu));
        CHECK(std::abs(f[0] - fr * std::cos(fa)) < 3e-6);
        CHECK(std::abs(f[1] - fr * std::sin(fa)) < 3e-6);
    }
}

TEST_CASE("moments of a million normals and uniforms") {
    // Bands of five standard errors: a false alarm in 1.7 million runs for each of the five.
    const std::size_t n = 1 << 20;
    std::vector<float> z(n), u(n);
    philox_normal({123, 0, 0}, 0, n, z.data());
    philox_uniform({123, 0, 1}, 0, n, u.data());
    double m1 = 0, m2 = 0, m4 = 0, u1 = 0, u2 = 0, lowest = 1, highest = 0;
    for (std::size_t i = 0; i < n; ++i) {
        const double x = z[i], v = u[i];
        m1 += x, m2 += x * x, m4 += x * x * x * x, u1 += v, u2 += v * v;
        lowest = std::min(lowest, v), highest = std::max(highest, v);
    }
    const double root = std::sqrt(static_cast<double>(n)), count = static_cast<double>(n);
    CHECK(std::abs(m1 / count) < 5 / root);
    CHECK(std::abs(m2 / count - 1) < 5 * std::sqrt(2.0) / root);
    CHECK(std::abs(m4 / count - 3) < 5 * std::sqrt(96.0) / root);
    CHECK(std::abs(u1 / count - 0.5) < 5 * std::sqrt(1 / 12.0) / root);
    CHECK(std::abs(u2 / count - 1 / 3.0) < 5 * std::sqrt(4 / 45.0) / root);
    CHECK(lowest >= 0);
    CHECK(highest < 1);
}
