#include "pushforward/audit/truth.hpp"
#include "pushforward/base/recipe_text.hpp"
#include "pushforward/simulators/autoregression.hpp"
#include "pushforward/simulators/ising.hpp"
#include "pushforward/simulators/markov.hpp"
#include "pushforward/simulators/parity.hpp"
#include "tests/unit/support.hpp"

#include <doctest/doctest.h>
#include <torch/types.h>

#include <cmath>
#include <limits>

using namespace pushforward;
using namespace pushforward::testing;

namespace {

MarkovOptions markov(std::int64_t symbols, std::int64_t length, Fields::Integers lags,
                     bool balanced = false) {
    MarkovOptions o;
    o.symbols = symbols;
    o.length = length;
    o.lags = std::move(lags);
    o.balanced = balanced;
    return o;
}

ParityOptions parity(std::int64_t length, std::int64_t lag, double flip) {
    ParityOptions o;
    o.length = length;
    o.lag = lag;
    o.flip = flip;
    return o;
}

IsingOptions ising(std::int64_t size, double beta) {
    IsingOptions o;
    o.size = size;
    o.beta = beta;
    return o;
}

/// Every sequence of `length` of k symbols, the first symbol the slowest: [k^length, length].
Tensor all_sequences(std::int64_t k, std::int64_t length) {
    Tensor code = torch::arange(
        static_cast<std::int64_t>(std::llround(std::pow(static_cast<double>(k), length))));
    std::vector<Tensor> digits(static_cast<std::size_t>(length));
    for (std::int64_t t = length - 1; t >= 0; --t) {
        digits[static_cast<std::size_t>(t)] = code % k;
        code = code.div(k, "floor");
    }
    return torch::stack(digits, 1);
}

/// p of every sequence, [k, k, ..., k].
Tensor joint(const Simulator& s) {
    const auto k = s.spec().x.symbols, length = s.spec().x.event[0];
    return s.log_prob(all_sequences(k, length))
        .exp()
        .view(std::vector<std::int64_t>(static_cast<std::size_t>(length), k));
}

double entropy_of(const Tensor& p) {
    return -torch::special_xlogy(p, p).sum().item<double>();
}

/// p of the chi square of items against `expected` masses of the codes sum_t x_t k^(length-1-t).
double frequencies_p(const Simulator& s, const Tensor& expected, std::int64_t n) {
    const Tensor x = s.batch(0, n, 7).x.flatten(1).to(torch::kLong);
    const std::int64_t k = s.spec().x.symbols > 0 ? s.spec().x.symbols : 2;
    Tensor code = torch::zeros({n}, torch::kLong);
    for (std::int64_t t = 0; t < x.size(1); ++t) code = code * k + x.select(1, t);
    const Tensor want = static_cast<double>(n) * expected.flatten(),
                 got = torch::bincount(code, {}, want.size(0)).to(torch::kDouble);
    // cells of fewer than 10 expected items count as one
    const Tensor full = want >= 10;
    double statistic = ((got - want).square() / want).masked_select(full).sum().item<double>();
    std::int64_t cells = full.sum().item<std::int64_t>();
    const double rare = want.masked_select(full.logical_not()).sum().item<double>();
    if (rare > 10) {
        const double seen = got.masked_select(full.logical_not()).sum().item<double>();
        statistic += (seen - rare) * (seen - rare) / rare;
        ++cells;
    }
    REQUIRE(cells > 3);
    return chi_square_p(statistic, cells - 1);
}

/// Standard errors between the mean of -log p of n items and the entropy.
double entropy_error(const Simulator& s, double entropy, std::int64_t n) {
    const Tensor lp = s.log_prob(s.batch(0, n, 5).x);
    return std::abs(lp.mean().item<double>() + entropy) /
           (lp.std().item<double>() / std::sqrt(static_cast<double>(n)) + 1e-12);
}

/// A stationary law, its entropies and that it begins in its stationary law, by enumeration.
void check_chain(const MarkovOptions& o) {
    const Tensor p = joint(*make_markov(o));
    CHECK(p.sum().item<double>() == doctest::Approx(1).epsilon(1e-12));
    CHECK(entropy_of(p) == doctest::Approx(entropy(o)).epsilon(1e-12));
    const Tensor early = p.sum(-1), late = p.sum(0);
    CHECK(worst(early, late) < 1e-14);
    CHECK(entropy_of(p) - entropy_of(early) == doctest::Approx(entropy_rate(o)).epsilon(1e-12));
    MarkovOptions shorter = o;
    --shorter.length;
    CHECK(worst(joint(*make_markov(shorter)), early) < 1e-14);
}

}  // namespace

TEST_CASE("markov: mass, entropies and stationarity by enumeration") {
    check_chain(markov(3, 5, {1}));
    check_chain(markov(3, 6, {1, 2}));
    check_chain(markov(2, 10, {1, 2, 3}));
    check_chain(markov(3, 6, {1, 3}));
    check_chain(markov(2, 9, {2, 5}));
    check_chain(markov(3, 6, {1}, true));
    check_chain(markov(3, 7, {1, 2, 4}, true));
    check_chain(markov(4, 6, {2, 3}, true));
}

TEST_CASE("markov: a symbol depends on those at the lags and on no other") {
    for (const bool balanced : {false, true}) {
        CAPTURE(balanced);
        const Tensor p = joint(*make_markov(markov(3, 6, {1, 3, 4}, balanced)));
        const Tensor conditional = p / p.sum(-1, true);  // of the sixth symbol
        for (std::int64_t back = 1; back <= 5; ++back) {
            const Tensor span =
                std::get<0>(conditional.max(5 - back)) - std::get<0>(conditional.min(5 - back));
            const bool told = back == 1 || back == 3 || back == 4;
            if (told)
                CHECK(span.max().item<double>() > 0.1);
            else
                CHECK(span.max().item<double>() < 1e-12);
        }
    }
    // balanced: symbols nearer than the longest lag tell nothing of the next
    const Tensor p = joint(*make_markov(markov(3, 6, {1, 3, 4}, true)));
    CHECK(worst(p.sum({0, 1}), torch::full({}, 1.0 / 81, torch::kDouble)) < 1e-14);
    CHECK(p.sum({0}).max().item<double>() > 1.5 / 243);
}

TEST_CASE("markov: the rows are a Dirichlet's, drawn from `law`") {
    // E q^2 = (a + 1) / (K (K a + 1)); four standard errors: one false alarm in 15,000 each
    for (const double concentration : {0.2, 0.5, 3.0}) {
        CAPTURE(concentration);
        MarkovOptions o = markov(8, 4, {1, 2, 3});
        o.concentration = concentration;
        const Tensor p = joint(*make_markov(o));
        const Tensor square = (p / p.sum(-1, true)).square().sum(-1).flatten();
        const double expected = (concentration + 1) / (8 * concentration + 1);
        CHECK(std::abs(square.mean().item<double>() - expected) <
              4 * square.std().item<double>() / std::sqrt(512.0));
        MarkovOptions other = o;
        other.law = 1;
        const Tensor q = joint(*make_markov(other));
        CHECK(worst(q / q.sum(-1, true), p / p.sum(-1, true)) > 0.3);
    }
    // the mean entropy of a row is psi(K a + 1) - psi(a + 1); 64 rows of deviation 0.25 or so
    const double expected = (torch::digamma(torch::tensor(5.0, torch::kDouble)) -
                             torch::digamma(torch::tensor(1.5, torch::kDouble)))
                                .item<double>();
    CHECK(std::abs(entropy_rate(markov(8, 64, {1, 5, 12}, true)) - expected) < 0.125);
}

TEST_CASE("markov: items have the law (chi square, one false alarm in 10,000 each)") {
    for (const auto& o : {markov(3, 6, {1, 2}), markov(3, 6, {1, 3}), markov(2, 9, {1, 2, 5}, true),
                          markov(8, 4, {1, 2, 3})}) {
        const auto s = make_markov(o);
        CHECK(frequencies_p(*s, joint(*s), 60000) > 1e-4);
    }
    // long items, whose last symbols have the law of the first; one false alarm in 15,000 each
    for (const auto& o : {MarkovOptions{}, markov(8, 100, {1, 5, 12}, true)})
        CHECK(entropy_error(*make_markov(o), entropy(o), 4000) < 4);
    const auto longer = make_markov(markov(3, 40, {1, 2}));
    const Tensor x = longer->batch(0, 30000, 3).x;
    const Tensor code = 9 * x.select(1, 37) + 3 * x.select(1, 38) + x.select(1, 39);
    const Tensor want = 30000 * joint(*make_markov(markov(3, 3, {1, 2}))).flatten(),
                 got = torch::bincount(code, {}, 27).to(torch::kDouble);
    CHECK(chi_square_p(((got - want).square() / want).sum().item<double>(), 26) > 1e-4);
}

TEST_CASE("parity: mass, entropies and items by enumeration") {
    for (const double flip : {0.0, 0.1, 0.7, 1.0}) {
        CAPTURE(flip);
        const ParityOptions o = parity(9, 4, flip);
        const auto s = make_parity(o);
        const Tensor p = joint(*s);
        CHECK(p.sum().item<double>() == doctest::Approx(1).epsilon(1e-12));
        CHECK(entropy_of(p) == doctest::Approx(entropy(o)).epsilon(1e-12));
        CHECK(entropy_of(p) - entropy_of(p.sum(-1)) ==
              doctest::Approx(entropy_rate(o)).scale(1).epsilon(1e-12));
        // any `lag` bits in a row are fair coins: a shorter context leaves a bit of doubt
        CHECK(worst(p.sum({0, 1, 2, 3, 4}), torch::full({}, 1.0 / 16, torch::kDouble)) < 1e-14);
        // the impossible has no items; the rest a chi square, one false alarm in 10,000
        const Tensor lp = s->log_prob(s->batch(0, 1000, 2).x);
        CHECK(torch::isfinite(lp).all().item<bool>());
        const auto small = make_parity(parity(6, 3, flip));
        const Tensor q = joint(*small);
        CHECK((q > 0).sum().item<std::int64_t>() == (flip == 0 || flip == 1 ? 8 : 64));
        CHECK(frequencies_p(*small, q, 20000) > 1e-4);
    }
    const Tensor x = make_parity({})->batch(0, 100, 1).x;  // by its definition
    CHECK(torch::equal(x.narrow(1, 16, 48), x.narrow(1, 0, 48).bitwise_xor(x.narrow(1, 15, 48))));
}

TEST_CASE("ising: ln Z and entropy by enumeration, by Kaufman's formula and as published") {
    for (const std::int64_t size : {2, 3, 4})
        for (const double beta : {0.0, 0.3, IsingOptions{}.beta, 0.9}) {
            CAPTURE(size);
            CAPTURE(beta);
            // spin by spin, not by the simulator's shifts
            const Tensor s = 2 * all_sequences(2, size * size).to(torch::kDouble) - 1;
            Tensor bonds = torch::zeros({s.size(0)}, torch::kDouble);
            for (std::int64_t i = 0; i < size; ++i)
                for (std::int64_t j = 0; j < size; ++j) {
                    const auto at = [&](std::int64_t r, std::int64_t c) {
                        return s.select(1, (r % size) * size + c % size);
                    };
                    bonds += at(i, j) * (at(i + 1, j) + at(i, j + 1));
                }
            const double log_z = torch::logsumexp(beta * bonds, 0).item<double>();
            const Tensor p = (beta * bonds - log_z).exp();
            const IsingOptions o = ising(size, beta);
            const IsingLaw law = ising_law(o);
            CHECK(law.log_partition == doctest::Approx(log_z).epsilon(1e-13));
            CHECK(kaufman_log_partition(o) == doctest::Approx(log_z).epsilon(1e-12));
            CHECK(law.bonds ==
                  doctest::Approx((p * bonds).sum().item<double>()).scale(1).epsilon(1e-12));
            CHECK(law.entropy == doctest::Approx(entropy_of(p)).epsilon(1e-12));
            const Tensor lp = make_ising(o)->log_prob(((s + 1) / 2).view({-1, 1, size, size}));
            CHECK(worst(lp, beta * bonds - log_z) < 1e-11);
        }
    for (const auto& o : {ising(5, 0.2), ising(7, 0.6), ising(8, 0.44), ising(9, 1.5),
                          ising(8, IsingOptions{}.beta), ising(8, 2)}) {
        CAPTURE(o.size);
        CAPTURE(o.beta);
        const IsingLaw law = ising_law(o);
        CHECK(law.log_partition == doctest::Approx(kaufman_log_partition(o)).epsilon(1e-12));
        const double h = 1e-4;  // d ln Z / d beta, by differences of the closed formula
        const double slope = (kaufman_log_partition(ising(o.size, o.beta + h)) -
                              kaufman_log_partition(ising(o.size, o.beta - h))) /
                             (2 * h);
        CHECK(law.bonds == doctest::Approx(slope).epsilon(1e-5));
    }
    const IsingLaw law = ising_law({});
    CHECK(std::abs(law.log_partition - 60.1418) < 5e-5);
    CHECK(std::abs(law.entropy - 18.0731) < 5e-5);
}

TEST_CASE("ising: items have the law") {
    for (const double beta : {0.2, IsingOptions{}.beta}) {
        // 512 pictures, chi square: one false alarm in 10,000
        const auto s = make_ising(ising(3, beta));
        const Tensor all = all_sequences(2, 9).to(torch::kDouble).view({512, 1, 3, 3});
        CHECK(frequencies_p(*s, s->log_prob(all).exp(), 100000) > 1e-4);
    }
    // the mean energy is d ln Z / d beta of the closed formula; one false alarm in 15,000 each
    for (const auto& o : {IsingOptions{}, ising(6, 0.3), ising(5, 0.7)}) {
        const auto s = make_ising(o);
        const double h = 1e-4;
        const double slope = (kaufman_log_partition(ising(o.size, o.beta + h)) -
                              kaufman_log_partition(ising(o.size, o.beta - h))) /
                             (2 * h);
        const Tensor spins = 2 * s->batch(0, 8000, 11).x.to(torch::kDouble).squeeze(1) - 1;
        const Tensor bonds = (spins * spins.roll(1, 1) + spins * spins.roll(1, 2)).sum({1, 2});
        CHECK(std::abs(bonds.mean().item<double>() - slope) <
              4 * bonds.std().item<double>() / std::sqrt(8000.0));
        CHECK(entropy_error(*s, ising_law(o).entropy, 8000) < 4);
    }
    const auto s = make_ising({});
    const Tensor x = s->batch(0, 2, 1).x;
    Tensor grey = x.clone();
    grey[1][0][3][3] = 0.5;
    CHECK(torch::isfinite(s->log_prob(x)).all().item<bool>());
    CHECK(s->log_prob(grey)[0].item<double>() == s->log_prob(x)[0].item<double>());
    CHECK(s->log_prob(grey)[1].item<double>() == -std::numeric_limits<double>::infinity());
}

TEST_CASE("sequences and lattices: item i depends on seed and i alone") {
    std::vector<std::unique_ptr<Simulator>> all;
    all.push_back(make_markov({}));
    all.push_back(make_markov(markov(8, 30, {1, 5, 12}, true)));
    all.push_back(make_parity({}));
    all.push_back(make_ising({}));
    all.push_back(make_autoregression({}));
    for (const auto& s : all) {
        const Batch many = s->batch(0, 9, 42);
        const std::vector<std::int64_t> some = {7, 2, 2};
        const Batch part = s->draw(some, 42);
        for (std::int64_t k = 0; k < 3; ++k)
            CHECK(torch::equal(part.x[k], many.x[some[static_cast<std::size_t>(k)]]));
        CHECK(torch::equal(part.index, torch::tensor({7, 2, 2}, torch::kLong)));
        CHECK_FALSE(torch::equal(s->batch(0, 9, 43).x, many.x));
        CHECK((many.x.sizes().slice(1).vec() == s->spec().x.event));
        CHECK((many.x.scalar_type() ==
               (s->spec().x.kind == Kind::symbol ? torch::kLong : torch::kFloat)));
        CHECK(s->log_prob(many.x).sizes() == at::IntArrayRef{9});
        CHECK_THROWS_AS(s->log_prob(many.x.slice(1, 0, 0)), UsageError);
        CHECK(s->batch(0, 0, 1).x.size(0) == 0);
    }
}

TEST_CASE("sequences and lattices: options by their names") {
    MarkovOptions m;
    apply_text_values(m,
                      {{"symbols", "3"},
                       {"length", "20"},
                       {"lags", "1,4"},
                       {"law", "2"},
                       {"concentration", "0.7"},
                       {"balanced", "true"}},
                      "sim:markov");
    MarkovOptions same = markov(3, 20, {1, 4}, true);
    same.law = 2;
    same.concentration = 0.7;
    CHECK(entropy(m) == entropy(same));
    CHECK(entropy(m) != entropy(markov(3, 20, {1, 4}, true)));
    ParityOptions p;
    apply_text_values(p, {{"length", "20"}, {"lag", "5"}, {"flip", "0.1"}}, "sim:parity");
    CHECK(entropy(p) == entropy(parity(20, 5, 0.1)));
    IsingOptions i;
    apply_text_values(i, {{"size", "4"}, {"beta", "0.3"}}, "sim:ising");
    CHECK(ising_law(i).entropy == ising_law(ising(4, 0.3)).entropy);
    CHECK_THROWS_AS(apply_text_values(m, {{"symbols", "1"}}, ""), UsageError);
    CHECK_THROWS_AS(apply_text_values(m, {{"concentration", "0"}}, ""), UsageError);
    CHECK_THROWS_AS(apply_text_values(p, {{"flip", "1.5"}}, ""), UsageError);
    CHECK_THROWS_AS(apply_text_values(p, {{"lag", "1"}}, ""), UsageError);
    CHECK_THROWS_AS(apply_text_values(i, {{"size", "11"}}, ""), UsageError);
    CHECK_THROWS_AS(apply_text_values(i, {{"beta", "-0.1"}}, ""), UsageError);
}

TEST_CASE("sequences: what cannot be is refused") {
    CHECK(refusal([] { make_markov(markov(3, 5, {})); }) ==
          "sim:markov: lags: expected at least one, got none");
    CHECK(refusal([] { make_markov(markov(3, 5, {2, 1})); }) ==
          "sim:markov: lags: expected rising numbers from 1 on, got 1");
    CHECK(refusal([] { make_markov(markov(3, 5, {0})); }) ==
          "sim:markov: lags: expected rising numbers from 1 on, got 0");
    CHECK(refusal([] { make_markov(markov(3, 5, {1, 5})); }) ==
          "sim:markov: length: expected more than the longest lag, 5, got 5");
    CHECK(refusal([] { make_markov(markov(8, 50, {1, 2, 3, 4, 5, 6, 7})); }) ==
          "sim:markov: lags: expected a table of at most 4194304 probabilities, got 8^8");
    CHECK(refusal([] { make_markov(markov(8, 50, {1, 5, 12})); }) ==
          "sim:markov: lags: expected at most 524288 windows of the longest lag, or balanced, got "
          "8^12");
    CHECK(refusal([] { make_parity(parity(8, 8, 0)); }) ==
          "sim:parity: lag: expected less than length = 8, got 8");
    MarkovOptions stuck = markov(2, 9, {1, 2, 3});  // two sets of windows that it hardly leaves
    stuck.concentration = 0.1;
    stuck.law = 1;
    CHECK_THROWS_WITH_AS(make_markov(stuck),
                         "sim:markov: no stationary law after 10000 steps; take another law or a "
                         "higher concentration",
                         NumericalError);
    const Tensor beyond = torch::full({1, 64}, 8, torch::kLong);
    CHECK(refusal([&] { make_markov({})->log_prob(beyond); }) ==
          "Markov::log_prob: expected symbols from 0 to 7, got others");
    CHECK(refusal([&] { make_parity({})->log_prob(beyond); }) ==
          "Parity::log_prob: expected symbols 0 and 1, got others");
}
