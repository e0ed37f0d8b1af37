#include "pushforward/core/levels.hpp"
#include "pushforward/families/autoregressive/autoregressive.hpp"
#include "pushforward/families/autoregressive/models.hpp"
#include "pushforward/math/area.hpp"
#include "tests/unit/support.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <doctest/doctest.h>
#include <torch/nn/module.h>
#include <boost/math/distributions/chi_squared.hpp>

#include <cmath>
#include <limits>
#include <vector>

using namespace pushforward;
using pushforward::testing::refusal;
using pushforward::testing::worst;

namespace {

constexpr std::int64_t kSymbols = 5, kEnd = 4;
const DataSpec words = {{Kind::symbol, {-1}, kSymbols, kEnd}, {}};

std::unique_ptr<Model> small_gpt(const SymbolSampling& sampling = {},
                                 const DataSpec& spec = words) {
    at::manual_seed(1);
    GptOptions options;
    options.layers = 1;
    options.heads = 2;
    options.width = 16;
    options.context = 8;
    auto model = make_gpt(options, sampling, spec);
    const at::NoGradGuard no_grad;
    Rng rng(2);
    for (auto& p : model->module().parameters()) p.add_(0.3 * rng.normal(p.sizes()));
    return model;
}

/// Chi-square's probability of counts at least as far from n p.
double chi_square(const std::vector<double>& counts, const std::vector<double>& p) {
    double n = 0, statistic = 0;
    int cells = 0;
    for (double c : counts) n += c;
    for (std::size_t i = 0; i < p.size(); ++i) {
        if (p[i] == 0) {
            CHECK(counts[i] == 0);
            continue;
        }
        statistic += (counts[i] - n * p[i]) * (counts[i] - n * p[i]) / (n * p[i]);
        ++cells;
    }
    if (cells < 2) return 1;
    return boost::math::cdf(
        boost::math::complement(boost::math::chi_squared(cells - 1), statistic));
}

/// The probabilities that are expected of filtered logits, written down by hand.
const std::vector<double> logits = {2.0, 1.0, 0.5, -1.0, -3.0};

std::vector<double> softmax_of(std::vector<double> l, const std::vector<bool>& kept,
                               double temperature) {
    double sum = 0;
    for (std::size_t i = 0; i < l.size(); ++i)
        sum += l[i] = kept[i] ? std::exp(l[i] / temperature) : 0;
    for (double& p : l) p /= sum;
    return l;
}

std::vector<double> counted(const SymbolSampling& how, const Tensor& seen_row, std::uint64_t seed) {
    const std::int64_t n = 100000;
    Rng rng(seed);
    const Tensor l = at::tensor(logits, at::kDouble).expand({n, kSymbols});
    const Tensor drawn =
        draw_symbols(l, how, rng.uniform({n}, at::kDouble), seen_row.unsqueeze(0).expand({n, -1}));
    std::vector<double> counts(kSymbols);
    for (std::int64_t i = 0; i < n; ++i)
        ++counts[static_cast<std::size_t>(drawn.const_data_ptr<std::int64_t>()[i])];
    return counts;
}

const Tensor nothing = at::full({0}, 0, at::kLong);

}  // namespace

TEST_CASE("symbols are drawn from the softmax of what temperature and cuts leave") {
    const std::vector<bool> all(kSymbols, true);
    struct Case {
        SymbolSampling how;
        std::vector<double> p;
    };
    std::vector<Case> cases;
    for (const double t : {0.5, 1.0, 2.0}) {
        SymbolSampling how;
        how.temperature = t;
        cases.push_back({how, softmax_of(logits, all, t)});
    }
    SymbolSampling top_k, top_p, min_p, coldest;
    top_k.top_k = 2;
    cases.push_back({top_k, softmax_of(logits, {true, true, false, false, false}, 1)});
    // p = .611 .225 .136 .030 .004 (rounded): .611 + .225 < .9, and with .136 it is more
    top_p.top_p = 0.9;
    cases.push_back({top_p, softmax_of(logits, {true, true, true, false, false}, 1)});
    min_p.min_p = 0.3;  // .225 / .611 = .37, .136 / .611 = .22
    cases.push_back({min_p, softmax_of(logits, {true, true, false, false, false}, 1)});
    coldest.temperature = 0;
    cases.push_back({coldest, {1, 0, 0, 0, 0}});
    std::uint64_t seed = 1;
    for (const Case& c : cases)  // false alarms: 7 in 10^4
        CHECK(chi_square(counted(c.how, nothing, seed++), c.p) > 1e-4);
}

TEST_CASE(
    "the repetition penalty divides logits above zero and multiplies those below, once each") {
    SymbolSampling how;
    how.repetition_penalty = 1.5;
    std::vector<double> l = logits;
    l[0] /= 1.5;
    l[3] *= 1.5;
    const std::vector<double> p = softmax_of(l, std::vector<bool>(kSymbols, true), 1);
    const Tensor seen = at::tensor({0, 3, 0, -1}, at::kLong);
    CHECK(chi_square(counted(how, seen, 11), p) > 1e-4);  // false alarms: 1 in 10^4
    CHECK(chi_square(counted(how, nothing, 12), p) < 1e-4);
}

TEST_CASE("text has one probability: the masses of all short texts add to what they must") {
    const auto model = small_gpt();
    const at::NoGradGuard no_grad;
    // texts that ended within 4 symbols, and those of 4 symbols that did not
    std::vector<Tensor> rows;
    for (std::int64_t code = 0; code < 625; ++code) {
        std::vector<std::int64_t> row;
        std::int64_t left = code;
        bool ended = false, valid = true;
        for (int i = 0; i < 4; ++i, left /= kSymbols) {
            const std::int64_t s = left % kSymbols;
            if (ended) valid = valid && s == 0;  // one row for all that could stand beyond
            row.push_back(ended ? -1 : s);
            ended = ended || s == kEnd;
        }
        if (valid) rows.push_back(at::tensor(row, at::kLong));
    }
    const Tensor mass = model->density()->log_prob(at::stack(rows), {}, "exact", Rng(1)).exp();
    CHECK(std::abs(mass.sum(at::kDouble).item<double>() - 1) < 1e-5);
}

TEST_CASE("samples have the probability that they say, and end where they end") {
    SymbolSampling sampling;
    sampling.length = 30;
    const auto model = small_gpt(sampling);
    const std::int64_t n = 300;
    const Samples drawn = model->sample({.n = n}, Rng(3));
    CHECK(drawn.evaluations == drawn.x.size(1));
    CHECK(worst(drawn.log_prob, model->density()->log_prob(drawn.x, {}, "exact", Rng(1))) < 1e-4);
    const Tensor ended = drawn.x.eq(kEnd).cumsum(1);
    CHECK(at::equal(drawn.x.eq(-1), (ended - drawn.x.eq(kEnd).to(at::kLong)).ge(1)));
    // the first symbol by chi-square; false alarms: 1 in 10^4
    const Tensor first =
        at::softmax(model->sequential()->logits(drawn.x.slice(0, 0, 1), {})[0][0], 0, at::kDouble);
    std::vector<double> counts(kSymbols), p(kSymbols);
    for (std::int64_t s = 0; s < kSymbols; ++s) {
        counts[static_cast<std::size_t>(s)] =
            static_cast<double>(drawn.x.select(1, 0).eq(s).sum().item<std::int64_t>());
        p[static_cast<std::size_t>(s)] = first[s].item<double>();
    }
    CHECK(chi_square(counts, p) > 1e-4);
}

TEST_CASE("a sample goes on from its prompt, is heard, and ends where the hearer says") {
    SymbolSampling sampling;
    sampling.length = 12;
    const auto model = small_gpt(sampling);
    SampleRequest request{.n = 4};
    request.prompt.symbols = at::tensor({1, 2, 0, 3, 1, 1, 2, 0, 3, 2}, at::kLong);
    const Tensor all = model->sample(request, Rng(5)).x;
    CHECK(at::equal(all.slice(1, 0, 10), request.prompt.symbols.expand({4, 10})));
    CHECK(all.size(1) <= 22);
    request.prompt.length = 3;
    CHECK(model->sample(request, Rng(5)).x.size(1) <= 13);
    std::vector<Tensor> heard;
    request.prompt.length = 12;
    request.prompt.hear = [&](const Tensor& s) {
        if (!s.defined()) return Tensor();
        heard.push_back(s);
        return heard.size() == 2 ? at::arange(4, at::kLong).eq(1) : Tensor();
    };
    const Tensor stopped = model->sample(request, Rng(5)).x;
    CHECK(static_cast<std::int64_t>(heard.size()) == stopped.size(1) - 10);
    CHECK(at::equal(at::stack(heard, 1), stopped.slice(1, 10)));
    CHECK(stopped[1].slice(0, 12).eq(-1).all().item<bool>());
    CHECK(at::equal(stopped[0], all[0].slice(0, 0, stopped.size(1))));
    request.prompt.symbols = at::tensor({7}, at::kLong);
    CHECK(refusal([&] { model->sample(request, Rng(5)); }) ==
          "the prompt: expected symbols from 0 to 4, got others");
}

TEST_CASE("symbols and items of each code lead to one another") {
    Rng rng(4);
    const auto pictures = level_code({Kind::real, {3, 4, 5}}, 256);
    const Tensor levels = rng.integers(0, 256, {2, 60});
    CHECK(pictures->length() == 60);
    CHECK(at::equal(pictures->to_symbols(pictures->to_items(levels)), levels));
    // a pixel's channels stand together
    CHECK(pictures->to_items(levels)[1][2][0][1].item<float>() ==
          doctest::Approx(levels[1][5].item<double>() * 2 / 255 - 1).epsilon(1e-6));
    CHECK(refusal([&] { pictures->to_symbols(at::full({1, 3, 4, 5}, 0.001)); }).find("0 to 255") !=
          std::string::npos);
    const auto numbers = integer_code({Kind::real, {7}}, 3);
    const Tensor whole = rng.integers(0, 3, {4, 7});
    CHECK(at::equal(numbers->to_symbols(numbers->to_items(whole)), whole));
    CHECK(refusal([&] { numbers->to_symbols(at::full({1, 7}, 3.0)); }).find("0 to 2") !=
          std::string::npos);
    const auto sound = mu_law_code({Kind::real, {256}}, 256);
    const Tensor codes = at::arange(256, at::kLong).unsqueeze(0);
    CHECK(at::equal(sound->to_symbols(sound->to_items(codes)), codes));
    CHECK(sound->to_symbols(at::full({1, 256}, 1.0))[0][0].item<std::int64_t>() == 255);
    CHECK(sound->to_symbols(at::full({1, 256}, 0.5))[0][0].item<std::int64_t>() ==
          std::lround((std::log1p(127.5) / std::log1p(255) + 1) * 127.5));
    CHECK(refusal([&] { sound->to_symbols(at::full({1, 256}, 1.5)); }) ==
          "this model learns numbers in [-1, 1]");
    CHECK(refusal([&] {
              text_code({Kind::real, {7}});
          }).find("learns sequences of symbols (text)") != std::string::npos);
}
