// A simulator of your own: data with a known truth.
#include "pushforward/core/simulator.hpp"
#include "pushforward/base/fields.hpp"
#include "pushforward/core/rng.hpp"

#include <doctest/doctest.h>
#include <torch/types.h>

#include <cmath>
#include <limits>

namespace {

using namespace pushforward;

// [simulator]
struct DecayOptions : Options {
    double rate = 1;
    void visit(Fields& f) override {
        f.number("rate", rate,
                 {.doc = "decays a second", .unit = "1/s", .low = 0, .open_low = true});
    }
};

/// Waiting times of radioactive decay: p(x) = rate exp(-rate x), x > 0.
class Decay : public Simulator {
public:
    explicit Decay(const DecayOptions& options) : rate_(options.rate) {}
    const DataSpec& spec() const override { return spec_; }

    // Item i depends on (seed, i) alone: each is row i of one stream.
    Batch draw(std::span<const std::int64_t> items, std::uint64_t seed) const override {
        Batch batch;
        batch.index = torch::tensor(std::vector<std::int64_t>(items.begin(), items.end()));
        batch.x = torch::empty({static_cast<std::int64_t>(items.size()), 1});
        auto* x = batch.x.mutable_data_ptr<float>();
        for (const auto i : items)
            *x++ =
                static_cast<float>(-std::log1p(-Rng(seed).rows_from(i).uniform_number()) / rate_);
        return batch;
    }

    bool has_log_prob() const override { return true; }
    Tensor log_prob(const Tensor& x, const Condition&) const override {
        const Tensor inside = std::log(rate_) - rate_ * x.to(at::kDouble);
        return torch::where(x >= 0, inside, -std::numeric_limits<double>::infinity())
            .flatten(1)
            .sum(1);
    }

private:
    double rate_;
    DataSpec spec_{.x = {Kind::real, {1}}};
};
// [simulator]

TEST_CASE("a simulator of one's own has the density that it says") {
    DecayOptions options;
    options.rate = 2;
    const Decay decay(options);
    const Batch batch = decay.batch(0, 40000, 1);
    // The entropy of an exponential law is 1 - log(rate).
    CHECK(-decay.log_prob(batch.x, {}).mean().item<double>() ==
          doctest::Approx(1 - std::log(2)).epsilon(0.05));
    CHECK(torch::equal(decay.batch(100, 5, 1).x, batch.x.slice(0, 100, 105)));
}

}  // namespace
