#include "pushforward/simulators/parity.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/base/philox.hpp"
#include "pushforward/core/rng.hpp"

#include <torch/types.h>

#include <cmath>
#include <numbers>

namespace pushforward {
namespace {

class Parity : public Simulator {
public:
    explicit Parity(const ParityOptions& o) : o_(o) { spec_.x = {Kind::symbol, {o.length}, 2}; }

    const DataSpec& spec() const override { return spec_; }
    bool has_log_prob() const override { return true; }

    Batch draw(std::span<const std::int64_t> items, std::uint64_t seed) const override {
        Batch batch;
        batch.x = torch::empty({static_cast<std::int64_t>(items.size()), o_.length}, torch::kLong);
        batch.index = torch::tensor(at::ArrayRef<std::int64_t>(items.data(), items.size()));
        auto* x = batch.x.data_ptr<std::int64_t>();
        std::vector<double> u(static_cast<std::size_t>(o_.length));
        const std::uint64_t key = Rng(seed).key();
        for (std::size_t i = 0; i < items.size(); ++i, x += o_.length) {
            philox_uniform({key, static_cast<std::uint64_t>(items[i]), 0}, 0, u.size(), u.data());
            for (std::int64_t t = 0; t < o_.length; ++t) {
                const bool coin = u[static_cast<std::size_t>(t)] < (t < o_.lag ? 0.5 : o_.flip);
                x[t] = t < o_.lag ? coin : x[t - o_.lag] ^ x[t - 1] ^ std::int64_t{coin};
            }
        }
        return batch;
    }

    Tensor log_prob(const Tensor& x, const Condition&) const override {
        PF_CHECK(x.dim() == 2 && x.size(1) == o_.length, "Parity::log_prob",
                 text("x of shape [B, ", o_.length, "]"), x.sizes());
        const Tensor s = x.to(torch::kLong);
        PF_CHECK(s.eq(0).logical_or(s.eq(1)).all().item<bool>(), "Parity::log_prob",
                 "symbols 0 and 1", "others");
        const std::int64_t later = o_.length - o_.lag;
        const Tensor flipped =
            (s.narrow(1, o_.lag, later) + s.narrow(1, 0, later) + s.narrow(1, o_.lag - 1, later)) %
            2;
        const Tensor each =
            torch::where(flipped == 1, torch::full({}, std::log(o_.flip), torch::kDouble),
                         torch::full({}, std::log1p(-o_.flip), torch::kDouble));
        return each.sum(1) - static_cast<double>(o_.lag) * std::numbers::ln2;
    }

private:
    ParityOptions o_;
    DataSpec spec_;
};

}  // namespace

void ParityOptions::visit(Fields& f) {
    f.integer("length", length, {"bits of a sequence", "", 3, 65536});
    f.integer("lag", lag, {"how far back the farther of the two bits lies", "", 2, 65536});
    f.number("flip", flip, {"the share of bits that are the other way", "", 0, 1});
}

std::unique_ptr<Simulator> make_parity(const ParityOptions& o) {
    PF_CHECK(o.lag < o.length, "sim:parity: lag", text("less than length = ", o.length), o.lag);
    return std::make_unique<Parity>(o);
}

double entropy_rate(const ParityOptions& o) {
    if (o.flip == 0 || o.flip == 1) return 0;
    return -o.flip * std::log(o.flip) - (1 - o.flip) * std::log1p(-o.flip);
}

double entropy(const ParityOptions& o) {
    return static_cast<double>(o.lag) * std::numbers::ln2 +
           static_cast<double>(o.length - o.lag) * entropy_rate(o);
}

}  // namespace pushforward
