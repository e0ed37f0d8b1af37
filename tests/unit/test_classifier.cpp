// The classifier: its networks, the model, and what it is trained on.
#include "pushforward/families/classifier/classifier.hpp"
#include "pushforward/nn/mlp.hpp"
#include "pushforward/nn/residual_network.hpp"
#include "pushforward/objectives/classification.hpp"
#include "support.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <doctest/doctest.h>
#include <torch/nn/module.h>
#include <torch/optim/adam.h>

#include <cmath>
#include <set>

using namespace pushforward;
using pushforward::testing::refusal;
using pushforward::testing::worst;

namespace {

const Field three{"label", {Kind::symbol, {}, 3}};
const DataSpec plane{{Kind::real, {2}, 0}, {three}};
const DataSpec pictures{{Kind::real, {2, 9, 7}, 0}, {three}};

std::unique_ptr<Model> fresh(const DataSpec& spec, const ClassifierOptions& given = {},
                             double spread = 0.3) {
    ClassifierOptions options;
    options.label = given.label;
    options.network.select(spec.x.is_image() ? "residual" : "mlp");
    at::manual_seed(1);
    auto model = make_classifier(options, {}, spec);
    const at::NoGradGuard no_grad;
    for (auto& p : model->module().parameters()) p.add_(spread * at::randn(p.sizes()));
    return model;
}

Loss loss_of(Model& model, const ClassificationOptions& options, const Batch& batch,
             std::uint64_t seed = 5) {
    const testing::NoData data(plane);
    const auto objective = make_classification(options);
    REQUIRE(objective->refusal(model, {&data}) == "");
    return objective->players(model, {&data}).at(0).loss(batch, {0, Rng(seed)});
}

/// Options that differ from the default as `change` says.
template <class F>
ClassificationOptions with(F change) {
    ClassificationOptions o;
    o.noise = 0;
    change(o);
    return o;
}

std::int64_t parameters(const FeatureNetwork& network) {
    std::int64_t count = 0;
    for (const auto& p : const_cast<FeatureNetwork&>(network).module().parameters())
        count += p.numel();
    return count;
}

}  // namespace

TEST_CASE("a residual network takes pictures of any size, and each option makes another") {
    ResidualNetworkOptions o;
    o.channels = 8;
    o.multipliers = {1, 2};
    const auto base = make_residual_network(o, pictures.x);
    CHECK(base->features() == 16);
    for (std::int64_t channels : {1, 3, 5})
        for (std::int64_t height : {1, 4, 13}) {
            const auto made = make_residual_network(o, {Kind::real, {channels, height, 6}});
            CHECK(made->forward(at::ones({2, channels, height, 6}), at::zeros({2})).sizes() ==
                  at::IntArrayRef({2, 16}));
        }
    const auto differs = [&](auto change) {
        ResidualNetworkOptions other = o;
        change(other);
        return parameters(*make_residual_network(other, pictures.x)) != parameters(*base);
    };
    CHECK(differs([](auto& n) { n.channels = 16; }));
    CHECK(differs([](auto& n) { n.multipliers = {1, 2, 2}; }));
    CHECK(differs([](auto& n) { n.blocks = 2; }));
    // groups change no parameter, but what is normalised together
    const auto features = [&](std::int64_t groups) {
        ResidualNetworkOptions other = o;
        other.groups = groups;
        at::manual_seed(3);
        const at::NoGradGuard no_grad;
        return make_residual_network(other, pictures.x)
            ->forward(Rng(1).normal({2, 2, 9, 7}), at::zeros({2}));
    };
    CHECK(worst(features(8), features(1)) > 1e-3);
    CHECK(refusal([&] { make_residual_network(o, plane.x); }) ==
          "residual network: expected images (the network \"mlp\" takes any item), got items of 1 "
          "dimensions");
    const auto refused = [&](auto change) {
        ResidualNetworkOptions other = o;
        change(other);
        return refusal([&] { make_residual_network(other, pictures.x); });
    };
    CHECK(refused([](auto& n) { n.multipliers = {}; }) ==
          "residual network: multipliers: expected at least one level, got none");
    CHECK(refused([](auto& n) {
              n.multipliers = {1, 0};
          }) == "residual network: multipliers: expected positive numbers, got 0");
    CHECK(refused([](auto& n) { n.channels = 7; }) ==
          "residual network: channels: expected an even number, got 7");
}

TEST_CASE("a classifier says log-probabilities at every noise level, and draws nothing") {
    for (const DataSpec& spec : {plane, pictures}) {
        const auto model = fresh(spec);
        std::vector<std::int64_t> shape{6};
        shape.insert(shape.end(), spec.x.event.begin(), spec.x.event.end());
        const Tensor y = Rng(2).normal(shape);
        const Classifier& classifier = *model->classifier();
        CHECK(classifier.label() == three);
        const auto at_level = [&](double s) {
            return classifier.log_probs(y, at::full({6}, s, at::kDouble));
        };
        for (double s : {0., 1e-4, 0.3, 20., 1e4}) {
            const Tensor p = at_level(s).exp();
            CHECK(p.sizes() == at::IntArrayRef({6, 3}));
            CHECK(worst(p.sum(1), at::ones({6})) < 1e-5);
        }
        CHECK(worst(at_level(0), at_level(0.3)) > 1e-3);
        CHECK(classifier.features(y).size(0) == 6);
        CHECK(refusal([&] { model->sample({}, Rng(0)); }) ==
              "sample: a classifier tells classes and draws no samples");
        CHECK_FALSE(model->samples());
    }
    // The network sees y / sqrt(1 + s^2): it says as much of items that noise made wide.
    const auto model = fresh(plane);
    const auto size = [&](double s) {
        const Tensor y = std::sqrt(1 + s * s) * Rng(2).normal({40, 2});
        return model->classifier()->log_probs(y, at::full({40}, s, at::kDouble)).abs().max();
    };
    CHECK(size(1e3).item<double>() < 10 * size(0).item<double>());
}

TEST_CASE("the label is the data's only classes, or the one that is named") {
    DataSpec two = plane;
    two.conditions.push_back({"colour", {Kind::symbol, {}, 5}});
    two.conditions.push_back({"angle", {Kind::real, {}, 0}});
    ClassifierOptions colour;
    colour.label = "colour";
    const auto model = fresh(two, colour);
    CHECK(model->classifier()->label().name == "colour");
    CHECK(model->classifier()->log_probs(at::ones({1, 2}), at::zeros({1}, at::kDouble)).size(1) ==
          5);
    CHECK(refusal([&] { fresh(two); }) == "model.label: expected one of label, colour, got ''");
    colour.label = "angle";
    CHECK(refusal([&] { fresh(two, colour); }) ==
          "model.label: expected one of label, colour, got 'angle'");
    CHECK(refusal([&] {
              fresh({plane.x, {}});
          }).rfind("classifier: these data have no classes", 0) == 0);
    CHECK(refusal([&] {
              fresh({{Kind::count, {2}, 0}, {three}});
          }) == "classifier: expected real numbers, got another kind of data");
}

TEST_CASE("the loss is the cross-entropy, rows count by weight and by whether they have a label") {
    const auto model = fresh(plane);
    ClassificationOptions clean;
    clean.noise = 0;
    Batch batch;
    batch.x = Rng(1).normal({40, 2});
    batch.c.value["label"] = at::arange(40, at::kLong).remainder(3);
    const Tensor log_p = model->classifier()->log_probs(batch.x, at::zeros({40}, at::kDouble));
    double sum = 0, first = 0, right = 0;
    for (std::int64_t i = 0; i < 40; ++i) {
        const double row = -log_p[i][i % 3].item<double>();
        sum += row;
        if (i < 10) first += row;
        right += log_p[i].argmax().item<std::int64_t>() == i % 3;
    }
    const Loss loss = loss_of(*model, clean, batch);
    CHECK(loss.value.item<double>() == doctest::Approx(sum / 40).scale(0).epsilon(1e-5));
    REQUIRE(loss.terms.size() == 1);
    CHECK(loss.terms[0].first == "accuracy");
    CHECK(loss.terms[0].second.item<double>() == doctest::Approx(right / 40));
    const Tensor ten = at::arange(40, at::kLong) < 10;
    batch.weight = ten.to(at::kFloat);
    CHECK(loss_of(*model, clean, batch).value.item<double>() ==
          doctest::Approx(first / 10).scale(0).epsilon(1e-5));
    batch.weight = Tensor();
    batch.c.given["label"] = ten;
    CHECK(loss_of(*model, clean, batch).value.item<double>() ==
          doctest::Approx(first / 10).scale(0).epsilon(1e-5));
    batch.c.given["label"] = at::zeros({40}, at::kBool);
    CHECK(loss_of(*model, clean, batch).value.item<double>() == 0);
}

TEST_CASE("noise levels are drawn as the options say, and the loss heeds them") {
    ClassificationOptions o;
    o.noise = 0.3;
    o.noise_low = 0.1;
    o.noise_high = 10;
    Rng rng(3);
    const Tensor s = draw_noise_levels(o, 20000, rng);
    const Tensor noised = s > 0;
    CHECK(noised.to(at::kDouble).mean().item<double>() ==
          doctest::Approx(0.3).scale(0).epsilon(0.05));
    const Tensor logs = s.masked_select(noised).log() / std::log(10.);  // uniform in [-1, 1]
    CHECK(logs.min().item<double>() >= -1);
    CHECK(logs.max().item<double>() <= 1);
    CHECK(std::abs(logs.mean().item<double>()) < 0.03);  // four standard errors
    CHECK(logs.std().item<double>() == doctest::Approx(1 / std::sqrt(3)).scale(0).epsilon(0.03));

    const auto model = fresh(plane);
    Batch batch;
    batch.x = Rng(1).normal({64, 2});
    batch.c.value["label"] = at::zeros({64}, at::kLong);
    const auto value = [&](double share, std::uint64_t seed) {
        const auto options = with([&](auto& c) { c.noise = share; });
        return loss_of(*model, options, batch, seed).value.item<double>();
    };
    CHECK(value(1, 5) == value(1, 5));
    CHECK(value(1, 5) != value(1, 6));
    CHECK(value(0, 5) == value(0, 6));
    CHECK(refusal([&] { make_classification(with([](auto& c) { c.noise_low = 100; })); }) ==
          "objective.noise_low: expected less than noise_high, 100, got 100");
}

TEST_CASE("pictures are moved by up to so many pixels and mirrored, others are refused") {
    const std::int64_t n = 2000, size = 5;
    Tensor x = at::zeros({n, 2, size, size});
    x.select(2, 2).select(2, 2).fill_(1);  // one bright pixel in the middle
    Rng rng(4);
    const Tensor y = varied(x, 1, false, rng);
    CHECK(y.sizes() == x.sizes());
    CHECK(worst(y.flatten(1).sum(1), at::full({n}, 2.)) == 0);
    const Tensor places = y.select(1, 0).mean(0);
    for (std::int64_t i = 0; i < size; ++i)
        for (std::int64_t j = 0; j < size; ++j) {
            const bool near = std::abs(i - 2) <= 1 && std::abs(j - 2) <= 1;
            const double share = places[i][j].item<double>();
            CHECK((near ? std::abs(share - 1. / 9) < 0.03 : share == 0));  // four standard errors
        }
    CHECK(worst(y.select(1, 0), y.select(1, 1)) == 0);  // all colours alike
    Tensor edge = at::zeros({n, 1, size, size});
    edge.select(3, 0).fill_(1);  // the border is repeated: a bright edge stays or is moved out
    const Tensor moved = varied(edge, 1, false, rng).select(2, 2).select(1, 0);
    CHECK(std::set<std::vector<float>>{{1, 0, 0}, {1, 1, 0}, {0, 0, 0}} == [&] {
        std::set<std::vector<float>> seen;
        for (std::int64_t i = 0; i < n; ++i)
            seen.insert(
                {moved[i][0].item<float>(), moved[i][1].item<float>(), moved[i][2].item<float>()});
        return seen;
    }());
    const Tensor left = at::arange(size, at::kFloat).expand({n, 1, size, size});
    const Tensor mirrored = varied(left, 0, true, rng).select(3, 0).select(2, 0).squeeze(1);
    const double share = (mirrored == 4).to(at::kDouble).mean().item<double>();
    CHECK(std::abs(share - 0.5) < 0.05);
    CHECK((mirrored.eq(0).logical_or(mirrored == 4)).all().item<bool>());
    CHECK(varied(left, 0, false, rng).is_same(left));

    const testing::NoData data(plane);
    const auto model = fresh(plane);
    const auto shifts = with([](auto& o) { o.shift = 2; });
    const auto flips = with([](auto& o) { o.flip = true; });
    for (const auto& o : {shifts, flips})
        CHECK(make_classification(o)->refusal(*model, {&data}) ==
              "shift and flip vary images, and these data are none");
    CHECK(make_classification({})->refusal(*model, {}) ==
          "classification learns from data, and there is none");
    // and the loss does it
    const auto sees = fresh(pictures);
    Batch batch;
    batch.x = Rng(1).normal({8, 2, 9, 7});
    batch.c.value["label"] = at::zeros({8}, at::kLong);
    const double plain = loss_of(*sees, with([](auto&) {}), batch).value.item<double>();
    CHECK(loss_of(*sees, shifts, batch).value.item<double>() != plain);
    CHECK(loss_of(*sees, flips, batch).value.item<double>() != plain);
}

TEST_CASE("a trained classifier is the Bayes classifier of its data at every noise level") {
    // Two classes N(-+1.5, 1) on a line: log p(1 | y, s) - log p(0 | y, s) = 3 y / (1 + s^2).
    const DataSpec line{{Kind::real, {1}, 0}, {{"label", {Kind::symbol, {}, 2}}}};
    ClassifierOptions options;
    options.network.select("mlp");
    at::manual_seed(1);
    const auto model = make_classifier(options, {}, line);
    ClassificationOptions objective;
    objective.noise = 0.7;
    objective.noise_low = 0.1;
    objective.noise_high = 10;
    const testing::NoData data(plane);
    const auto player = make_classification(objective)->players(*model, {&data}).at(0);
    torch::optim::Adam adam(model->module().parameters(), torch::optim::AdamOptions(3e-3));
    Rng rng(2);
    for (std::int64_t step = 0; step < 600; ++step) {
        for (auto& group : adam.param_groups())
            static_cast<torch::optim::AdamOptions&>(group.options())
                .lr(3e-3 * (1 - static_cast<double>(step) / 600));
        Batch batch;
        batch.c.value["label"] = rng.integers(0, 2, {512});
        batch.x =
            3 * batch.c.value["label"].to(at::kFloat).unsqueeze(1) - 1.5 + rng.normal({512, 1});
        adam.zero_grad();
        player.loss(batch, {step, Rng(7).split(static_cast<std::uint64_t>(step))}).value.backward();
        adam.step();
    }
    const at::NoGradGuard no_grad;
    for (double s : {0., 0.5, 2., 8.}) {
        CAPTURE(s);
        const double reach = 2 * std::sqrt(1 + s * s);
        const Tensor y = at::linspace(-reach, reach, 21).unsqueeze(1);
        const Tensor p = model->classifier()->log_probs(y, at::full({21}, s, at::kDouble)).exp();
        const Tensor truth = at::sigmoid(3 * y.squeeze(1) / (1 + s * s));
        CHECK(worst(p.select(1, 1), truth) < 0.08);
    }
}
