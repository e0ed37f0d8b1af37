#include "pushforward/base/errors.hpp"
#include "pushforward/nn/flops.hpp"
#include "pushforward/nn/logistic_levels.hpp"
#include "pushforward/nn/made.hpp"
#include "pushforward/nn/pixel_cnn.hpp"
#include "pushforward/nn/wavenet.hpp"
#include "support.hpp"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <doctest/doctest.h>
#include <torch/nn/module.h>

#include <cmath>
#include <functional>
#include <string>

using namespace pushforward;
using pushforward::testing::refusal;
using pushforward::testing::worst;

namespace {

using Network = std::shared_ptr<SequenceNetwork>;

/// The last layers begin at zero, which would hide what lies before them.
Network randomised(const Network& network, double scale = 0.4) {
    const at::NoGradGuard no_grad;
    for (auto& p : network->module()->parameters()) p.copy_(at::randn(p.sizes()) * scale);
    return network;
}

Tensor parameter(SequenceNetwork& network, const std::string& name) {
    return network.module()->named_parameters()[name];
}

WaveNetOptions wavenet(std::int64_t kernel, std::int64_t layers, std::int64_t cycles) {
    WaveNetOptions o;
    o.features = 6;
    o.skip = 7;
    o.kernel = kernel;
    o.layers = layers;
    o.cycles = cycles;
    return o;
}

PixelCnnOptions pixels(std::int64_t layers, std::int64_t kernel, const std::string& head,
                       bool positions = false) {
    PixelCnnOptions o;
    o.features = 7;
    o.layers = layers;
    o.kernel = kernel;
    o.head = head;
    o.mixtures = 2;
    o.positions = positions;
    return o;
}

MadeOptions made(std::int64_t width, std::int64_t layers) {
    MadeOptions o;
    o.width = width;
    o.layers = layers;
    return o;
}

struct Case {
    std::string name;
    Network network;
    std::int64_t symbols, length;
};

/// One of each kind, that hears a context of 5 numbers.
std::vector<Case> cases() {
    return {
        {"wavenet", make_wavenet(wavenet(2, 3, 2), 5, 5), 5, 20},
        {"wavenet of kernel 3", make_wavenet(wavenet(3, 2, 1), 4, 5), 4, 11},
        {"pixel_cnn", make_pixel_cnn(pixels(3, 3, "categorical", true), {3, 4, 5}, 4, 5), 4, 60},
        {"pixel_cnn, grey", make_pixel_cnn(pixels(2, 5, "categorical"), {1, 4, 5}, 2, 5), 2, 20},
        {"pixel_cnn, logistic", make_pixel_cnn(pixels(2, 3, "logistic", true), {2, 3, 4}, 9, 5), 9,
         24},
        {"made", make_made(made(23, 2), 7, 3, 5), 3, 7},
        {"made of one layer", make_made(made(8, 1), 8, 2, 5), 2, 8}};
}

/// Changes each symbol j in turn: logits at i must change where `seen(i, j)`, and keep their bits
/// elsewhere. A rectifier that is off hides what it sees, so that a change counts that appears for
/// some of `draws` weights and four strings each.
void check_sight(const Network& network, std::int64_t symbols, std::int64_t length,
                 std::int64_t draws, const std::function<bool(std::int64_t, std::int64_t)>& seen) {
    const at::NoGradGuard no_grad;
    network->compute_in(at::kDouble);
    Tensor changed = at::zeros({length, length}, at::kBool);
    for (std::int64_t draw = 0; draw < draws; ++draw) {
        randomised(network);
        const Tensor s = at::randint(symbols, {4, length}, at::kLong);
        const Tensor before = network->forward(s, {});
        for (std::int64_t j = 0; j < length; ++j) {
            Tensor other = s.clone();
            other.select(1, j).add_(1).remainder_(symbols);
            changed.select(0, j).logical_or_((network->forward(other, {}) != before).any(2).any(0));
        }
    }
    std::int64_t leaks = 0, hidden = 0, pairs = 0;
    for (std::int64_t j = 0; j < length; ++j)
        for (std::int64_t i = 0; i < length; ++i) {
            const bool differs = changed[j][i].item<bool>();
            leaks += differs && !seen(i, j);
            hidden += !differs && seen(i, j);
            pairs += seen(i, j);
        }
    CHECK(pairs > 0);
    CHECK(leaks == 0);
    CHECK(hidden == 0);
}

/// Of all strings of that length, [symbols^length, length].
Tensor all_strings(std::int64_t symbols, std::int64_t length) {
    std::int64_t count = 1;
    for (std::int64_t i = 0; i < length; ++i) count *= symbols;
    std::vector<Tensor> digits;
    Tensor rest = at::arange(count, at::kLong);
    for (std::int64_t i = 0; i < length; ++i) {
        digits.push_back(rest.remainder(symbols).unsqueeze(1));
        rest = rest.floor_divide(symbols);
    }
    return at::cat(digits, 1);
}

double total_probability(const Network& network, const Tensor& strings) {
    const at::NoGradGuard no_grad;
    const Tensor log_p = at::log_softmax(network->forward(strings, {}).to(at::kDouble), 2)
                             .gather(2, strings.unsqueeze(2))
                             .sum({1, 2});
    return log_p.exp().sum().item<double>();
}

}  // namespace

TEST_CASE("wavenet sees the symbols of its receptive field, and no others") {
    at::manual_seed(1);
    struct Size {
        std::int64_t kernel, layers, cycles, field;
    };
    // 1 + cycles (kernel - 1) (1 + 2 + .. ), by hand
    for (const Size& size : {Size{2, 3, 2, 15}, {3, 2, 2, 13}, {2, 1, 1, 2}, {2, 4, 1, 16}}) {
        const WaveNetOptions o = wavenet(size.kernel, size.layers, size.cycles);
        CAPTURE(size.field);
        CHECK(o.receptive_field() == size.field);
        const Network network = make_wavenet(o, 5);
        check_sight(network, 5, 24, 4,
                    [&](std::int64_t i, std::int64_t j) { return j < i && i - j <= size.field; });
        // The start symbol stands at place -1.
        const at::NoGradGuard no_grad;
        const Tensor s = at::randint(5, {32, 24}, at::kLong), before = network->forward(s, {});
        parameter(*network, "embedding.weight").select(0, 5).add_(0.5);
        const Tensor changed = (network->forward(s, {}) != before).any(2).any(0);
        for (std::int64_t i = 0; i < 24; ++i)
            CHECK(changed[i].item<bool>() == (i + 1 <= size.field));
    }
}

TEST_CASE("pixel_cnn sees all of a rectangle before a symbol, without a blind spot") {
    at::manual_seed(1);
    struct Size {
        std::int64_t channels, height, width, layers, kernel;
    };
    for (const Size& size :
         {Size{3, 6, 7, 2, 3}, {1, 7, 6, 1, 3}, {2, 5, 8, 1, 5}, {1, 6, 6, 5, 3}})
        for (const char* head : {"categorical", "logistic"}) {
            PixelCnnOptions o = pixels(size.layers, size.kernel, head);
            o.features = 24;
            const Network network = make_pixel_cnn(o, {size.channels, size.height, size.width}, 4);
            const std::int64_t reach = size.layers * (size.kernel / 2);
            check_sight(network, 4, size.channels * size.height * size.width, 3,
                        [&](std::int64_t i, std::int64_t j) {
                            const std::int64_t a = i / size.channels, b = j / size.channels;
                            const std::int64_t down = a / size.width - b / size.width;
                            const std::int64_t right = a % size.width - b % size.width;
                            if (a == b) return j < i;
                            if (down == 0) return right > 0 && right <= reach;
                            return down > 0 && down <= 1 + reach && std::abs(right) <= reach;
                        });
        }
}

TEST_CASE("made sees every symbol before, and no other") {
    at::manual_seed(1);
    for (std::int64_t layers : {1, 2, 3})
        for (std::int64_t width : {9, 31, 40})
            check_sight(make_made(made(width, layers), 9, 3), 3, 9, 200,
                        [](std::int64_t i, std::int64_t j) { return j < i; });
}

TEST_CASE("the probabilities of all strings add up to one") {
    at::manual_seed(1);
    struct Law {
        const char* name;
        Network network;
        std::int64_t symbols, length;
    };
    for (const Law& law :
         {Law{"made", make_made(made(50, 2), 12, 2), 2, 12},
          {"wavenet", make_wavenet(wavenet(2, 2, 1), 3), 3, 6},
          {"pixel_cnn", make_pixel_cnn(pixels(2, 3, "categorical", true), {2, 2, 2}, 2), 2, 8},
          {"pixel_cnn, logistic", make_pixel_cnn(pixels(2, 3, "logistic"), {2, 1, 3}, 3), 3, 6}}) {
        CAPTURE(law.name);
        randomised(law.network, 1.);
        const Tensor strings = all_strings(law.symbols, law.length);
        CHECK(std::abs(total_probability(law.network, strings) - 1) < 1e-5);
        law.network->compute_in(at::kDouble);
        CHECK(std::abs(total_probability(law.network, strings) - 1) < 1e-12);
    }
}

TEST_CASE("symbol after symbol, a network says what it says of all at once") {
    at::manual_seed(1);
    const at::NoGradGuard no_grad;
    for (const Case& c : cases()) {
        CAPTURE(c.name);
        randomised(c.network);
        const Tensor s = at::randint(c.symbols, {3, c.length}, at::kLong);
        const Tensor context = at::randn({3, 5});
        const Tensor single = c.network->forward(s, context);
        c.network->compute_in(at::kDouble);
        for (const Tensor& heard : {context, Tensor{}}) {
            const Tensor expected = c.network->forward(s, heard);
            const auto state = c.network->start(3, heard);
            double error = 0;
            for (std::int64_t i = 0; i < c.length; ++i) {
                const Tensor came = i == 0 ? s.slice(1, 0, 0) : s.slice(1, i - 1, i);
                const Tensor y = c.network->next(*state, came);
                CHECK((y.scalar_type() == at::kFloat));
                error = std::max(error, worst(y.to(at::kDouble), expected.select(1, i)));
            }
            CHECK(error < 1e-5);
            if (heard.defined()) CHECK(worst(single.to(at::kDouble), expected) < 1e-5);
        }
        CHECK(worst(c.network->forward(s, context), c.network->forward(s, {})) > 1e-3);
    }
}

TEST_CASE("a row's bits are its own, in whatever company and portions its symbols come") {
    at::manual_seed(1);
    const at::NoGradGuard no_grad;
    for (const Case& c : cases()) {
        CAPTURE(c.name);
        randomised(c.network);
        const Tensor s = at::randint(c.symbols, {5, c.length}, at::kLong);
        const Tensor context = at::randn({5, 5});
        const auto together = c.network->start(5, context);
        std::vector<std::unique_ptr<SequenceNetwork::State>> alone;
        for (std::int64_t r = 0; r < 5; ++r)
            alone.push_back(c.network->start(1, context.slice(0, r, r + 1)));
        Tensor y;
        for (std::int64_t i = 0; i < c.length; ++i) {
            const Tensor came = i == 0 ? s.slice(1, 0, 0) : s.slice(1, i - 1, i);
            y = c.network->next(*together, came);
            for (std::int64_t r = 0; r < 5; ++r)
                CHECK(c.network->next(*alone[r], came.slice(0, r, r + 1))
                          .equal(y.slice(0, r, r + 1)));
        }
        CHECK(c.network->next(*together, s.slice(1, 0, 0)).equal(y));  // nothing came
        const auto portions = c.network->start(5, context);
        c.network->next(*portions, s.slice(1, 0, 3));
        CHECK(c.network->next(*portions, s.slice(1, 3, c.length - 1)).equal(y));
        // What a state begins from are the weights of then.
        const auto kept = c.network->start(5, context);
        const Tensor first = c.network->next(*c.network->start(5, context), s.slice(1, 0, 2));
        randomised(c.network);
        CHECK(c.network->next(*kept, s.slice(1, 0, 2)).equal(first));
        CHECK(!c.network->next(*c.network->start(5, context), s.slice(1, 0, 2)).equal(first));
    }
}

TEST_CASE("a causal network takes fewer symbols, missing ones, and every type") {
    at::manual_seed(1);
    const at::NoGradGuard no_grad;
    for (const Case& c : cases()) {
        CAPTURE(c.name);
        randomised(c.network, 0.2);
        CHECK((c.network->longest() == 0 || c.network->longest() == c.length));
        const Tensor s = at::randint(c.symbols, {2, c.length}, at::kLong);
        const Tensor context = at::randn({2, 5}), y = c.network->forward(s, context);
        CHECK(y.sizes() == at::IntArrayRef{2, c.length, c.symbols});
        CHECK(worst(c.network->forward(s.slice(1, 0, 4), context), y.slice(1, 0, 4)) < 1e-5);
        Tensor missing = s.clone(), none = s.clone();
        missing.slice(1, 3).fill_(-1), none.slice(1, 3).fill_(0);
        CHECK(c.network->forward(missing, context).equal(c.network->forward(none, context)));
        c.network->compute_in(at::kBFloat16);
        const Tensor half = c.network->forward(s, context);
        CHECK((half.scalar_type() == at::kBFloat16));
        CHECK(worst(half.to(at::kFloat), y) < 0.05 * y.abs().max().item<double>());
    }
}

TEST_CASE("a causal network begins at equal odds, and every parameter of it is used") {
    at::manual_seed(1);
    for (const Case& c : cases()) {
        CAPTURE(c.name);
        const Tensor s = at::randint(c.symbols, {4, c.length}, at::kLong);
        if (c.name != "pixel_cnn, logistic")
            CHECK(c.network->forward(s, at::randn({4, 5})).abs().max().item<double>() == 0);
        randomised(c.network);
        c.network->forward(s, at::randn({4, 5})).square().sum().backward();
        for (const auto& p : c.network->module()->named_parameters()) {
            CAPTURE(p.key());
            const bool used = p->grad().defined() && p->grad().abs().max().item<double>() > 0;
            CHECK(used);
        }
    }
}

TEST_CASE("the options of causal networks are heard") {
    const auto size = [](const Network& network, const char* name) {
        return network->module()->named_parameters()[name].sizes().vec();
    };
    using Sizes = std::vector<std::int64_t>;
    const Network wave = make_wavenet(wavenet(3, 2, 2), 5);
    CHECK(size(wave, "layers.3.gate.weight") == Sizes{12, 18});
    CHECK(size(wave, "layers.3.skip.weight") == Sizes{7, 6});
    CHECK(size(wave, "out_2.weight") == Sizes{5, 7});
    const Network grey = make_pixel_cnn(pixels(2, 5, "logistic", true), {1, 3, 4}, 6);
    CHECK(size(grey, "layers.1.vertical.weight") == Sizes{14, 7, 3, 5});
    CHECK(size(grey, "layers.1.horizontal.weight") == Sizes{14, 7, 1, 3});
    CHECK(size(grey, "positions.vertical") == Sizes{3, 4, 14});
    CHECK(size(grey, "out_2.weight") == Sizes{6, 7});
    const Network plain = make_pixel_cnn(pixels(2, 5, "categorical"), {1, 3, 4}, 8);
    CHECK(plain->module()->named_parameters().find("positions.vertical") == nullptr);
    CHECK(size(plain, "out_2.weight") == Sizes{8, 7});
    CHECK(size(make_made(made(23, 3), 7, 3), "layers.2.linear.weight") == Sizes{23, 23});
    FlopCount count;
    plain->forward(at::randint(8, {1, 12}, at::kLong), {});
    CHECK(count.forward > 0);
}

TEST_CASE("logistic levels are differences of the distribution function, and add up to one") {
    at::manual_seed(1);
    const Tensor p = at::randn({4, 3, 6}, at::kDouble);
    const Tensor y = logistic_levels(p, 7);
    CHECK(at::logsumexp(y, -1).abs().max().item<double>() < 1e-12);
    const Tensor weights = at::log_softmax(p.slice(2, 0, 2), 2).exp();
    for (std::int64_t k = 0; k < 7; ++k) {
        // Level k of 7 stands at -1 + k/3 and takes 1/6 to either side.
        const double at = -1 + static_cast<double>(k) / 3;
        const auto cdf = [&](double x) {
            return ((x - p.slice(2, 2, 4)) / p.slice(2, 4, 6).exp()).sigmoid();
        };
        const Tensor high = k == 6 ? cdf(1e9) : cdf(at + 1. / 6);
        const Tensor low = k == 0 ? cdf(-1e9) : cdf(at - 1. / 6);
        CHECK(worst(y.select(2, k).exp(), (weights * (high - low)).sum(2)) < 1e-12);
    }
    // Far from the mean, where differences of distribution functions would be nothing: the tail's
    // log-probability falls by 1/scale = e^7 a unit, and no scale is less.
    const Tensor far = logistic_levels(at::tensor({0., -1., -50.}), 256);
    CHECK(at::logsumexp(far, -1).abs().item<double>() < 1e-5);
    CHECK(far[255].item<double>() == doctest::Approx(-std::exp(7.) * (2 - 1 / 255.)).epsilon(1e-5));
    std::vector<double> work;
    for (std::int64_t levels : {2, 3, 256}) {
        const Tensor single = p.select(0, 0).select(0, 0).to(at::kFloat).contiguous();
        const Tensor step = at::empty({levels});
        logistic_levels_step(single.const_data_ptr<float>(), 2, levels, step.data_ptr<float>(),
                             work);
        CHECK(worst(step.to(at::kDouble), logistic_levels(single.to(at::kDouble), levels)) < 1e-6);
    }
}

TEST_CASE("a causal network says what it does not take") {
    const Tensor none{};
    const Network wave = make_wavenet(wavenet(2, 2, 1), 5, 4);
    CHECK(refusal([&] { wave->start(2, at::randn({2, 3})); }) ==
          "wavenet: context: expected [2, 4], got [2, 3]");
    const auto state = wave->start(2, none);
    const auto say = [&](at::IntArrayRef shape, std::int64_t symbol) {
        return refusal([&] { wave->next(*state, at::full(shape, symbol, at::kLong)); });
    };
    CHECK(say({3, 1}, 0) == "wavenet: symbols: expected [2, any], got [3, 1]");
    CHECK(say({2, 1}, 5) == "wavenet: symbols: expected 0 to 4, got 5");
    const Network small = make_made(made(4, 1), 3, 2);
    CHECK(refusal([&] { small->forward(at::zeros({1, 4}, at::kLong), none); }) ==
          "made: symbols: expected at most 3, got 4");
    const auto rest = small->start(1, none);
    small->next(*rest, at::zeros({1, 1}, at::kLong));
    CHECK(refusal([&] { small->next(*rest, at::zeros({1, 2}, at::kLong)); }) ==
          "made: symbols: expected at most 1 more that something follows, got 2");
    CHECK(refusal([] { make_made(made(4, 1), 5, 2); }) ==
          "made: width: expected at least one unit a symbol, 5, got 4");
    CHECK(refusal([] { make_made(made(4, 1), 0, 2); }) ==
          "made: expected a fixed number of symbols, got 0 of 2");
    CHECK(refusal([] { make_wavenet(wavenet(2, 1, 1), 0); }) ==
          "wavenet: expected at least one symbol, got 0");
    const auto picture = [](const PixelCnnOptions& o, const std::vector<std::int64_t>& event,
                            std::int64_t levels) {
        return refusal([&] { make_pixel_cnn(o, event, levels); });
    };
    CHECK(picture(pixels(1, 3, "categorical"), {4, 4}, 2) ==
          "pixel_cnn: expected pictures [channels, height, width], got items of 2 dimensions");
    CHECK(picture(pixels(1, 3, "categorical"), {1, 4, 4}, 1) ==
          "pixel_cnn: expected at least two levels a channel, got 1");
    CHECK(picture(pixels(1, 4, "categorical"), {1, 4, 4}, 2) ==
          "pixel_cnn: kernel: expected an odd number from 3, got 4");
    CHECK(picture(pixels(1, 3, "categorical"), {8, 4, 4}, 2) ==
          "pixel_cnn: features: expected at least one a channel, 8, got 7");
    const Network grey = make_pixel_cnn(pixels(1, 3, "categorical"), {1, 2, 2}, 2);
    CHECK(refusal([&] { grey->forward(at::zeros({1, 5}, at::kLong), none); }) ==
          "pixel_cnn: symbols: expected at most 4, got 5");
}
