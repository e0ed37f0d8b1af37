#include "pushforward/simulators/pixels.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/base/philox.hpp"
#include "pushforward/core/rng.hpp"

#include <torch/types.h>

#include <cmath>
#include <limits>
#include <numbers>

namespace pushforward {
namespace {

class Pixels : public Simulator {
public:
    explicit Pixels(const PixelOptions& o) : o_(o) {
        spec_.x = {Kind::real, {o.channels, o.size, o.size}};
        const Tensor i = torch::arange(o.channels, torch::kDouble);
        const Tensor s =
            torch::pow(torch::full({1}, o.correlation, torch::kDouble), (i.unsqueeze(1) - i).abs());
        factor_ = o.deviation * torch::linalg_cholesky(s);
    }

    const DataSpec& spec() const override { return spec_; }
    bool has_log_prob() const override { return true; }

    Batch draw(std::span<const std::int64_t> items, std::uint64_t seed) const override {
        const auto n = static_cast<std::int64_t>(items.size()), d = spec_.x.dimensions();
        Tensor z = torch::empty({n, o_.channels, o_.size, o_.size}, torch::kDouble);
        const std::uint64_t key = Rng(seed).key();
        for (std::size_t i = 0; i < items.size(); ++i)
            philox_normal({key, static_cast<std::uint64_t>(items[i]), 0}, 0,
                          static_cast<std::size_t>(d),
                          z.data_ptr<double>() + static_cast<std::int64_t>(i) * d);
        Tensor x = o_.law == PixelLaw::uniform ? torch::special_ndtr(z)
                                               : 0.5 + factor_.matmul(z.flatten(2)).view(z.sizes());
        if (o_.levels) x = (256 * x).floor().clamp(0, 255) / 255;
        Batch batch;
        batch.x = x.to(torch::kFloat);
        batch.index = torch::tensor(at::ArrayRef<std::int64_t>(items.data(), items.size()));
        return batch;
    }

    Tensor log_prob(const Tensor& x, const Condition&) const override {
        PF_CHECK(x.sizes().slice(1) == at::IntArrayRef(spec_.x.event), "Pixels::log_prob",
                 "pictures of its size", x.sizes());
        const Tensor wide = x.to(torch::kDouble);
        return (o_.levels ? log_mass(wide) : log_density(wide)).flatten(1).sum(1);
    }

private:
    Tensor log_density(const Tensor& x) const {
        if (o_.law == PixelLaw::uniform)
            return torch::where((x >= 0).logical_and(x <= 1), 0.0,
                                -std::numeric_limits<double>::infinity());
        const Tensor z =
            torch::linalg_solve_triangular(factor_, (x - 0.5).flatten(2), /*upper=*/false);
        return -0.5 * (z.square() + std::log(2 * std::numbers::pi)) -
               factor_.diagonal().log().view({1, -1, 1});
    }
    /// Of channels that are independent.
    Tensor log_mass(const Tensor& x) const {
        const Tensor k = (255 * x).round();
        if (o_.law == PixelLaw::uniform) return torch::full_like(k, -std::log(256.0));
        const Tensor low = (k / 256 - 0.5) / o_.deviation,
                     high = ((k + 1) / 256 - 0.5) / o_.deviation;
        // from the nearer tail, where differences keep their digits
        const Tensor flip = low + high > 0;
        const Tensor a = torch::where(flip, -high, low), b = torch::where(flip, -low, high);
        const Tensor first = torch::where(flip, k == 255, k == 0);
        const Tensor last = torch::where(flip, k == 0, k == 255);
        const Tensor from = torch::where(first, 0.0, torch::special_ndtr(a));
        const Tensor to = torch::where(last, 1.0, torch::special_ndtr(b));
        return torch::log(to - from);
    }

    PixelOptions o_;
    Tensor factor_;
    DataSpec spec_;
};

}  // namespace

void PixelOptions::visit(Fields& f) {
    f.integer("channels", channels, {.doc = "channels", .low = 1, .high = 4});
    f.integer("size", size, {.doc = "height and width", .unit = "pixels", .low = 1, .high = 256});
    f.choice_of("law", law, {{"normal", PixelLaw::normal}, {"uniform", PixelLaw::uniform}},
                {.doc = "of a number"});
    f.number("correlation", correlation,
             {.doc = "of neighbouring channels", .low = -0.999, .high = 0.999});
    f.number("deviation", deviation,
             {.doc = "of a number, where it is normal", .low = 1e-4, .high = 10});
    f.flag("levels", levels, {.doc = "numbers are one of 256 levels"});
}

std::unique_ptr<Simulator> make_pixels(const PixelOptions& o) {
    PF_CHECK(o.correlation == 0 || (o.law == PixelLaw::normal && !o.levels), "sim:pixels",
             "channels without correlation, where they are uniform or have levels", o.correlation);
    return std::make_unique<Pixels>(o);
}

}  // namespace pushforward
