#include "pushforward/data/loader.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/data/shuffle.hpp"

#include <doctest/doctest.h>
#include <torch/types.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

using namespace pushforward;

namespace {

/// Row i is the number i; counts what was asked for, and fails on one row when told to.
class Numbers : public Dataset {
public:
    explicit Numbers(std::int64_t n, std::int64_t bad = -1) : n_(n), bad_(bad) {}
    const DataSpec& spec() const override { return spec_; }
    std::int64_t size() const override { return n_; }
    Batch get(std::span<const std::int64_t> rows) const override {
        Batch batch;
        batch.index = torch::tensor(at::ArrayRef<std::int64_t>(rows.data(), rows.size()));
        for (const auto row : rows)
            if (row == bad_) throw DataError("numbers", text("row ", row), "broken");
        batch.x = batch.index.to(torch::kFloat).unsqueeze(1);
        batch.c.value["half"] = batch.x.squeeze(1) / 2;
        ++asked;
        return batch;
    }
    mutable std::atomic<int> asked = 0;

private:
    std::int64_t n_, bad_;
    DataSpec spec_{{Kind::real, {1}}, {{"half", {Kind::real, {}}, {}}}};
};

std::vector<std::int64_t> up_to(std::int64_t n) {
    std::vector<std::int64_t> rows(static_cast<std::size_t>(n));
    std::iota(rows.begin(), rows.end(), std::int64_t{0});
    return rows;
}

}  // namespace

TEST_CASE("Shuffle is a permutation, differs by key, and places are about uniform") {
    for (const std::int64_t n : {1, 2, 3, 5, 16, 17, 1000}) {
        const Shuffle shuffle(n, 7);
        std::set<std::int64_t> seen;
        for (std::int64_t i = 0; i < n; ++i) seen.insert(shuffle(i));
        CHECK(seen.size() == static_cast<std::size_t>(n));
        CHECK(*seen.rbegin() == n - 1);
    }
    for (const std::int64_t n : {3, 7, 50}) {
        // where row 0 goes, over 7000 keys: chi square within 5 standard deviations of its mean
        std::vector<double> counts(static_cast<std::size_t>(n));
        for (std::uint64_t key = 0; key < 7000; ++key)
            counts[static_cast<std::size_t>(Shuffle(n, key)(0))] += 1;
        const double expected = 7000.0 / static_cast<double>(n), free = static_cast<double>(n - 1);
        double chi = 0;
        for (const double c : counts) chi += (c - expected) * (c - expected) / expected;
        CHECK(chi < free + 5 * std::sqrt(2 * free));
    }
    // neighbours do not stay neighbours
    const Shuffle shuffle(10000, 1);
    int near = 0;
    for (std::int64_t i = 0; i + 1 < 10000; ++i) near += std::abs(shuffle(i) - shuffle(i + 1)) < 10;
    CHECK(near < 60);  // 19 expected
}

TEST_CASE("Loader: every epoch holds every row once, in another order, across batch borders") {
    const auto data = std::make_shared<Numbers>(23);
    Loader loader(data, up_to(23), {}, 5, 1);
    std::vector<std::int64_t> stream;
    for (int k = 0; k < 23; ++k) {
        const Batch b = loader.next();
        CHECK(b.size() == 5);
        for (int i = 0; i < 5; ++i) stream.push_back(b.index[i].item<std::int64_t>());
    }
    std::vector<std::vector<std::int64_t>> epochs;
    for (std::size_t e = 0; e < 5; ++e)
        epochs.emplace_back(stream.begin() + static_cast<std::ptrdiff_t>(23 * e),
                            stream.begin() + static_cast<std::ptrdiff_t>(23 * (e + 1)));
    CHECK(epochs[0] != epochs[1]);
    for (auto& epoch : epochs) {
        std::sort(epoch.begin(), epoch.end());
        CHECK(epoch == up_to(23));
    }
    CHECK(loader.cursor() == 23);
}

TEST_CASE("Loader: batch k is a function of seed and k; seek goes anywhere") {
    const auto data = std::make_shared<Numbers>(100);
    Loader a(data, up_to(100), {}, 8, 5), b(data, up_to(100), {}, 8, 5, 4),
        other(data, up_to(100), {}, 8, 6);
    std::map<std::int64_t, Tensor> seen;
    for (std::int64_t k = 0; k < 40; ++k) seen[k] = a.next().x;
    for (const std::int64_t k : {39, 0, 17, 17, 18, 3}) {
        b.seek(k);
        CHECK(b.cursor() == k);
        CHECK(torch::equal(b.next().x, seen[k]));
        CHECK(b.cursor() == k + 1);
    }
    CHECK_FALSE(torch::equal(other.next().x, seen[0]));
    const auto rows = a.rows_of(17);
    for (std::size_t i = 0; i < rows.size(); ++i)
        CHECK(seen[17][static_cast<std::int64_t>(i)].item<float>() == static_cast<float>(rows[i]));
}

TEST_CASE("Loader: a set smaller than a batch wraps around") {
    Loader loader(std::make_shared<Numbers>(3), {0, 2}, {}, 5, 1);
    const Batch b = loader.next();
    CHECK(b.size() == 5);
    CHECK(std::abs((b.x == 0).sum().item<int>() - (b.x == 2).sum().item<int>()) == 1);
    CHECK((b.x == 1).sum().item<int>() == 0);
}

TEST_CASE("Loader: scales, prefetches no more than it was told, and carries errors over") {
    const auto data = std::make_shared<Numbers>(64);
    {
        Loader loader(data, up_to(64), Scaling({{10}, {2}}, {{"half", {{0}, {4}}}}), 4, 1, 3);
        const Batch b = loader.next();
        CHECK(torch::allclose(b.x * 2 + 10, b.index.to(torch::kFloat).unsqueeze(1)));
        CHECK(torch::allclose(b.c.value.at("half") * 8, b.index.to(torch::kFloat)));
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
        CHECK(data->asked <= 4);
    }
    Loader broken(std::make_shared<Numbers>(10, 4), up_to(10), {}, 10, 1);
    CHECK_THROWS_WITH_AS(broken.next(), doctest::Contains("row 4"), DataError);
    CHECK_THROWS_AS(broken.next(), DataError);  // and stays broken
    CHECK_THROWS_AS(Loader(data, {}, {}, 4, 1), UsageError);
    CHECK_THROWS_AS(Loader(data, up_to(4), {}, 0, 1), UsageError);
}
