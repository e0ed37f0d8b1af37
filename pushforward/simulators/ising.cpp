#include "pushforward/simulators/ising.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/base/philox.hpp"
#include "pushforward/core/rng.hpp"

#include <torch/types.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <numbers>

namespace pushforward {
namespace {

/// h(a) / 2 + a . b + h(b) / 2 for rows a and b, [2^size, 2^size], h the bonds within a row: spin j
/// of a row is up where bit j of its number is set.
Tensor bonds_of_rows(std::int64_t size) {
    const auto rows = std::uint32_t{1} << size;
    const auto within = [&](std::uint32_t a) {
        const std::uint32_t turned = (a >> 1 | a << (size - 1)) & (rows - 1);
        return static_cast<double>(size - 2 * std::popcount(a ^ turned));
    };
    Tensor bonds = torch::empty({rows, rows}, torch::kDouble);
    auto* to = bonds.data_ptr<double>();
    for (std::uint32_t a = 0; a < rows; ++a)
        for (std::uint32_t b = 0; b < rows; ++b)
            *to++ = 0.5 * within(a) + static_cast<double>(size - 2 * std::popcount(a ^ b)) +
                    0.5 * within(b);
    return bonds;
}

/// The transfer matrix over exp(2 beta size), its largest entry.
Tensor transfer(const Tensor& bonds, const IsingOptions& o) {
    return torch::exp(o.beta * (bonds - static_cast<double>(2 * o.size)));
}

double log_scale(const IsingOptions& o) {
    return 2 * o.beta * static_cast<double>(o.size * o.size);
}

class Ising : public Simulator {
public:
    explicit Ising(const IsingOptions& o) : o_(o) {
        spec_.x = {Kind::real, {1, o.size, o.size}};
        const Tensor matrix = transfer(bonds_of_rows(o.size), o);
        powers_.push_back(matrix);
        for (std::int64_t k = 2; k <= o.size; ++k)
            powers_.push_back(powers_.back().matmul(matrix).contiguous());
        first_ = powers_.back().diagonal().cumsum(0).contiguous();
        powers_.pop_back();  // of the last only the diagonal serves
        log_partition_ = std::log(first_[-1].item<double>()) + log_scale(o);
    }

    const DataSpec& spec() const override { return spec_; }
    bool has_log_prob() const override { return true; }

    /// P(row 1 = a) = T^n(a, a) / Z and P(row k + 1 = b | row k, row 1) ~ T(row k, b)
    /// T^(n-k)(b, row 1), T being symmetric.
    Batch draw(std::span<const std::int64_t> items, std::uint64_t seed) const override {
        const auto size = static_cast<std::size_t>(o_.size), rows = std::size_t{1} << size;
        Batch batch;
        batch.x = torch::empty({static_cast<std::int64_t>(items.size()), 1, o_.size, o_.size});
        batch.index = torch::tensor(at::ArrayRef<std::int64_t>(items.data(), items.size()));
        auto* x = batch.x.data_ptr<float>();
        std::vector<double> u(size), sums(rows);
        const std::uint64_t key = Rng(seed).key();
        const auto chosen = [rows](const double* sum, double uniform) {
            const double* at = std::upper_bound(sum, sum + rows, uniform * sum[rows - 1]);
            return std::min(static_cast<std::size_t>(at - sum), rows - 1);
        };
        for (std::int64_t item : items) {
            philox_uniform({key, static_cast<std::uint64_t>(item), 0}, 0, size, u.data());
            const std::size_t top = chosen(first_.data_ptr<double>(), u[0]);
            std::size_t row = top;
            for (std::size_t k = 0; k < size; ++k) {
                if (k > 0) {
                    const double* step = powers_[0].data_ptr<double>() + row * rows;
                    const double* back = powers_[size - k - 1].data_ptr<double>() + top * rows;
                    double sum = 0;
                    for (std::size_t b = 0; b < rows; ++b) sums[b] = sum += step[b] * back[b];
                    row = chosen(sums.data(), u[k]);
                }
                for (std::size_t j = 0; j < size; ++j) *x++ = static_cast<float>(row >> j & 1);
            }
        }
        return batch;
    }

    Tensor log_prob(const Tensor& x, const Condition&) const override {
        PF_CHECK(x.dim() == 4 && x.sizes().slice(1) == at::IntArrayRef(spec_.x.event),
                 "Ising::log_prob", text("pictures of 1 x ", o_.size, " x ", o_.size), x.sizes());
        const Tensor spins = 2 * x.to(torch::kDouble) - 1;
        const Tensor bonds = (spins * (spins.roll(-1, 2) + spins.roll(-1, 3))).flatten(1).sum(1);
        const Tensor possible = x.eq(0).logical_or(x.eq(1)).flatten(1).all(1);
        return torch::where(possible, o_.beta * bonds - log_partition_,
                            -std::numeric_limits<double>::infinity());
    }

private:
    IsingOptions o_;
    std::vector<Tensor> powers_;  ///< 1 to size - 1
    Tensor first_;                ///< T^size(a, a) summed up to a
    double log_partition_ = 0;
    DataSpec spec_;
};

}  // namespace

void IsingOptions::visit(Fields& f) {
    f.integer("size", size, {"spins of a row and rows", "", 2, 10});
    f.number("beta", beta, {"inverse temperature, over the coupling", "", 0, 2});
}

std::unique_ptr<Simulator> make_ising(const IsingOptions& o) {
    return std::make_unique<Ising>(o);
}

IsingLaw ising_law(const IsingOptions& o) {
    const Tensor bonds = bonds_of_rows(o.size), matrix = transfer(bonds, o);
    // Z = tr T^n = sum_ab T(a, b) T^(n-1)(b, a); its derivative has n times dT / dbeta for T
    const Tensor terms = matrix * torch::linalg_matrix_power(matrix, o.size - 1);
    const double sum = terms.sum().item<double>();
    IsingLaw law;
    law.log_partition = std::log(sum) + log_scale(o);
    law.bonds = static_cast<double>(o.size) * (terms * bonds).sum().item<double>() / sum;
    law.entropy = law.log_partition - o.beta * law.bonds;
    return law;
}

double kaufman_log_partition(const IsingOptions& o) {
    const auto n = static_cast<double>(o.size);
    if (o.beta == 0) return n * n * std::numbers::ln2;
    const double k2 = 2 * o.beta;
    // gamma_0 = 2 K + ln tanh K, below the critical K negative, and else
    // cosh gamma_r = cosh 2K coth 2K - cos(pi r / n)
    const auto gamma = [&](std::int64_t r) {
        if (r == 0) return k2 + std::log(std::tanh(o.beta));
        return std::acosh(std::cosh(k2) / std::tanh(k2) -
                          std::cos(std::numbers::pi * static_cast<double>(r) / n));
    };
    // ln prod 2 cosh(n gamma / 2) and ln prod |2 sinh(n gamma / 2)|, r odd, then even
    double log_product[2][2] = {{0, 0}, {0, 0}};
    for (std::int64_t r = 0; r < 2 * o.size; ++r) {
        const double a = std::abs(n * gamma(r));
        log_product[r % 2][0] += 0.5 * a + std::log1p(std::exp(-a));
        log_product[r % 2][1] += 0.5 * a + std::log(-std::expm1(-a));
    }
    const double sign = gamma(0) < 0 ? -1 : 1, top = log_product[1][0];
    const double sum = 1 + std::exp(log_product[1][1] - top) + std::exp(log_product[0][0] - top) +
                       sign * std::exp(log_product[0][1] - top);
    return -std::numbers::ln2 + 0.5 * n * n * std::log(2 * std::sinh(k2)) + top + std::log(sum);
}

}  // namespace pushforward
