#include "pushforward/simulators/markov.hpp"

#include "pushforward/base/errors.hpp"
#include "pushforward/base/philox.hpp"
#include "pushforward/core/rng.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace pushforward {
namespace {

constexpr std::size_t most_entries = std::size_t{1} << 22;  ///< of a table: 32 MiB
constexpr int most_steps = 10000;                           ///< of the power iteration

/// base^exponent, or most_entries + 1 where it is larger.
std::size_t power(std::size_t base, std::size_t exponent) {
    std::size_t value = 1;
    for (std::size_t i = 0; i < exponent && value <= most_entries; ++i) value *= base;
    return std::min(value, most_entries + 1);
}

/// The log of a Gamma(shape, 1) number (Marsaglia & Tsang 2000).
double log_gamma_number(double shape, Rng& rng) {
    const double d = (shape < 1 ? shape + 1 : shape) - 1.0 / 3, c = 1 / std::sqrt(9 * d);
    for (;;) {
        const double z = rng.normal_number(), v = std::pow(1 + c * z, 3);
        const double u = 1 - rng.uniform_number();
        if (v <= 0 || std::log(u) >= 0.5 * z * z + d - d * v + d * std::log(v)) continue;
        const double boost = shape < 1 ? std::log(1 - rng.uniform_number()) / shape : 0;
        return std::log(d * v) + boost;
    }
}

/// A row of k probabilities, Dirichlet(concentration, ..., concentration).
std::vector<double> dirichlet(std::size_t k, double concentration, Rng rng) {
    std::vector<double> p(k);
    for (double& v : p) v = log_gamma_number(concentration, rng);
    const double top = *std::max_element(p.begin(), p.end());
    double sum = 0;
    for (double& v : p) sum += v = std::exp(v - top);
    for (double& v : p) v /= sum;
    return p;
}

double entropy_of(const double* p, std::size_t n) {
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i)
        if (p[i] > 0) sum -= p[i] * std::log(p[i]);
    return sum;
}

/// The tables of a chain. A window's code is sum_d x_{t-d} K^(d-1), d = 1..depth, and a context's
/// sum_j x_{t-lags[j]} K^j.
struct MarkovChain {
    std::size_t k, order, depth;
    std::vector<std::size_t> lags;
    std::vector<double> transition;  ///< [K^order, K]
    std::vector<double> stationary;  ///< [K^depth]; empty: uniform

    explicit MarkovChain(const MarkovOptions& o) : k(static_cast<std::size_t>(o.symbols)) {
        PF_CHECK(!o.lags.empty(), "sim:markov: lags", "at least one", "none");
        for (auto lag : o.lags) {
            PF_CHECK(lag > 0 && (lags.empty() || lag > static_cast<std::int64_t>(lags.back())),
                     "sim:markov: lags", "rising numbers from 1 on", lag);
            lags.push_back(static_cast<std::size_t>(lag));
        }
        order = lags.size();
        depth = lags.back();
        PF_CHECK(o.length > o.lags.back(), "sim:markov: length",
                 text("more than the longest lag, ", o.lags.back()), o.length);
        PF_CHECK(power(k, order + 1) <= most_entries, "sim:markov: lags",
                 text("a table of at most ", most_entries, " probabilities"),
                 text(k, "^", order + 1));
        PF_CHECK(o.balanced || power(k, depth + 1) <= most_entries, "sim:markov: lags",
                 text("at most ", most_entries / k, " windows of the longest lag, or balanced"),
                 text(k, "^", depth));
        const std::size_t contexts = power(k, order), heads = contexts / k;
        const Rng law(static_cast<std::uint64_t>(o.law));
        transition.reserve(contexts * k);
        for (std::size_t c = 0; c < contexts; ++c) {
            auto row = dirichlet(k, o.concentration, law.split(o.balanced ? c % heads : c));
            if (o.balanced)
                std::rotate(row.begin(), row.end() - static_cast<std::ptrdiff_t>(c / heads),
                            row.end());
            transition.insert(transition.end(), row.begin(), row.end());
        }
        if (!o.balanced) find_stationary();
    }

    std::size_t context_of_window(std::size_t window) const {
        std::size_t code = 0, place = 1;
        for (std::size_t lag : lags) {
            code += window / power(k, lag - 1) % k * place;
            place *= k;
        }
        return code;
    }

    double rate() const {
        const std::size_t contexts = transition.size() / k;
        double sum = 0;
        for (std::size_t c = 0; stationary.empty() && c < contexts; ++c)
            sum += entropy_of(&transition[c * k], k) / static_cast<double>(contexts);
        for (std::size_t w = 0; w < stationary.size(); ++w)
            sum += stationary[w] * entropy_of(&transition[context_of_window(w) * k], k);
        return sum;
    }

    double window_entropy() const {
        return stationary.empty() ? static_cast<double>(depth) * std::log(static_cast<double>(k))
                                  : entropy_of(stationary.data(), stationary.size());
    }

private:
    /// pi P = pi over windows, from (pi + pi P) / 2 again and again, which no period stops.
    void find_stationary() {
        const std::size_t windows = power(k, depth);
        std::vector<std::size_t> context(windows);
        for (std::size_t w = 0; w < windows; ++w) context[w] = context_of_window(w);
        stationary.assign(windows, 1 / static_cast<double>(windows));
        std::vector<double> next(windows);
        for (int step = 0; step < most_steps; ++step) {
            std::fill(next.begin(), next.end(), 0.0);
            for (std::size_t w = 0; w < windows; ++w) {
                const double* row = &transition[context[w] * k];
                double* to = &next[w % (windows / k) * k];  // the windows after w, by the symbol
                for (std::size_t x = 0; x < k; ++x) to[x] += stationary[w] * row[x];
            }
            double change = 0;
            for (std::size_t w = 0; w < windows; ++w) change += std::abs(next[w] - stationary[w]);
            for (std::size_t w = 0; w < windows; ++w)
                stationary[w] = 0.5 * (stationary[w] + next[w]);
            const double sum = std::accumulate(stationary.begin(), stationary.end(), 0.0);
            for (double& p : stationary) p /= sum;
            if (change < 2e-15) return;
        }
        throw NumericalError(text("sim:markov: no stationary law after ", most_steps,
                                  " steps; take another law or a higher concentration"));
    }
};

std::vector<double> cumulative(const std::vector<double>& p, std::size_t width) {
    std::vector<double> sums(p.size());
    for (std::size_t i = 0; i < p.size(); i += width)
        std::partial_sum(&p[i], &p[i] + width, &sums[i]);
    return sums;
}

std::size_t chosen(const double* sums, std::size_t width, double u) {
    const auto at = static_cast<std::size_t>(std::upper_bound(sums, sums + width, u) - sums);
    return std::min(at, width - 1);
}

class Markov : public Simulator {
public:
    explicit Markov(const MarkovOptions& o)
        : chain_(o),
          length_(o.length),
          transition_sums_(cumulative(chain_.transition, chain_.k)),
          window_sums_(cumulative(chain_.stationary, chain_.stationary.size())) {
        log_transition_ = torch::tensor(chain_.transition, torch::kDouble).log();
        log_stationary_ = torch::tensor(chain_.stationary, torch::kDouble).log();
        spec_.x = {Kind::symbol, {o.length}, o.symbols};
    }

    const DataSpec& spec() const override { return spec_; }
    bool has_log_prob() const override { return true; }

    Batch draw(std::span<const std::int64_t> items, std::uint64_t seed) const override {
        const auto length = static_cast<std::size_t>(length_), k = chain_.k, depth = chain_.depth;
        Batch batch;
        batch.x = torch::empty({static_cast<std::int64_t>(items.size()), length_}, torch::kLong);
        batch.index = torch::tensor(at::ArrayRef<std::int64_t>(items.data(), items.size()));
        auto* x = batch.x.data_ptr<std::int64_t>();
        std::vector<double> u(length);
        const std::uint64_t key = Rng(seed).key();
        for (std::size_t i = 0; i < items.size(); ++i, x += length) {
            philox_uniform({key, static_cast<std::uint64_t>(items[i]), 0}, 0, length, u.data());
            std::size_t window = 0;
            if (!window_sums_.empty())
                window = chosen(window_sums_.data(), window_sums_.size(), u[0]);
            for (std::size_t t = 0; t < depth; ++t) {  // a window's last digit is its first symbol
                const std::size_t digit = window / power(k, depth - 1 - t) % k;
                x[t] = window_sums_.empty()
                           ? static_cast<std::int64_t>(u[t] * static_cast<double>(k))
                           : static_cast<std::int64_t>(digit);
            }
            for (std::size_t t = depth; t < length; ++t) {
                std::size_t code = 0, place = 1;
                for (std::size_t lag : chain_.lags) {
                    code += static_cast<std::size_t>(x[t - lag]) * place;
                    place *= k;
                }
                x[t] = static_cast<std::int64_t>(chosen(&transition_sums_[code * k], k, u[t]));
            }
        }
        return batch;
    }

    Tensor log_prob(const Tensor& x, const Condition&) const override {
        const auto k = static_cast<std::int64_t>(chain_.k);
        const auto depth = static_cast<std::int64_t>(chain_.depth);
        PF_CHECK(x.dim() == 2 && x.size(1) == length_, "Markov::log_prob",
                 text("x of shape [B, ", length_, "]"), x.sizes());
        const Tensor s = x.to(torch::kLong);
        PF_CHECK(s.ge(0).logical_and(s.lt(k)).all().item<bool>(), "Markov::log_prob",
                 text("symbols from 0 to ", k - 1), "others");
        Tensor code = s.narrow(1, depth, length_ - depth);  // of the context and the symbol
        std::int64_t place = k;
        for (std::size_t lag : chain_.lags) {
            code =
                code + place * s.narrow(1, depth - static_cast<std::int64_t>(lag), length_ - depth);
            place *= k;
        }
        const Tensor later = log_transition_.take(code).sum(1);
        if (window_sums_.empty())
            return later - static_cast<double>(depth) * std::log(static_cast<double>(k));
        Tensor window = torch::zeros({s.size(0)}, torch::kLong);
        for (std::int64_t t = 0; t < depth; ++t) window = window * k + s.select(1, t);
        return later + log_stationary_.take(window);
    }

private:
    MarkovChain chain_;
    std::int64_t length_;
    std::vector<double> transition_sums_, window_sums_;
    Tensor log_transition_, log_stationary_;
    DataSpec spec_;
};

}  // namespace

void MarkovOptions::visit(Fields& f) {
    f.integer("symbols", symbols, {"how many symbols there are", "", 2, 256});
    f.integer("length", length, {"symbols of a sequence", "", 2, 65536});
    f.integers("lags", lags, {"how far back the symbols lie that the next one depends on"});
    f.integer("law", law, {"the seed of the probabilities", "", 0});
    f.number("concentration", concentration,
             {"of the Dirichlet law of the probabilities", "", 0.01, 1000});
    f.flag("balanced", balanced,
           {"any max(lags) symbols in a row are independent and uniform; lags may be long"});
}

std::unique_ptr<Simulator> make_markov(const MarkovOptions& o) {
    return std::make_unique<Markov>(o);
}

double entropy_rate(const MarkovOptions& o) {
    return MarkovChain(o).rate();
}

double entropy(const MarkovOptions& o) {
    const MarkovChain chain(o);
    return chain.window_entropy() +
           static_cast<double>(o.length - static_cast<std::int64_t>(chain.depth)) * chain.rate();
}

}  // namespace pushforward
