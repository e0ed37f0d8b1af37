// Metrics on what a judge sees: Frechet's distance, neighbours, accuracies.
#include "pushforward/base/errors.hpp"
#include "pushforward/metrics/evaluate.hpp"
#include "pushforward/metrics/frechet.hpp"
#include "pushforward/metrics/neighbours.hpp"
#include "support.hpp"

#include <doctest/doctest.h>
#include <torch/nn/module.h>
#include <torch/types.h>

#include <cmath>
#include <numbers>

using namespace pushforward;
using pushforward::testing::refusal;

namespace {

/// Tells three classes by the first number: below 0, below 1, and above.
class Thirds : public Model, public Classifier {
public:
    const DataSpec& spec() const override { return spec_; }
    torch::nn::Module& module() override { return module_; }
    bool samples() const override { return false; }
    Samples sample(const SampleRequest&, Rng) const override { return {}; }
    const Classifier* classifier() const override { return this; }
    const Field& label() const override { return spec_.conditions[0]; }
    Tensor log_probs(const Tensor& y, const Tensor& s) const override {
        CHECK((s == 0).all().item<bool>());
        const Tensor x = y.flatten(1).select(1, 0);
        const Tensor label = (x >= 0).to(torch::kLong) + (x >= 1).to(torch::kLong);
        return torch::log_softmax(5 * torch::one_hot(label, 3).to(torch::kFloat), 1);
    }
    Tensor features(const Tensor& x) const override { return x.flatten(1); }

private:
    DataSpec spec_{{Kind::real, {2}, 0}, {{"label", {Kind::symbol, {}, 3}}}};
    torch::nn::Module module_;
};

Tensor doubles(std::initializer_list<double> values, at::IntArrayRef shape) {
    return torch::tensor(at::ArrayRef<double>(values), torch::kDouble).view(shape);
}

/// n points of ten narrow normals on a circle, of the first `modes` alone.
Tensor ten_modes(std::int64_t n, std::int64_t modes, double sigma, std::uint64_t seed) {
    Rng rng(seed);
    const Tensor angle = rng.integers(0, modes, {n}).to(torch::kDouble) * (std::numbers::pi / 5);
    return 5 * torch::stack({angle.cos(), angle.sin()}, 1) +
           sigma * rng.normal({n, 2}, torch::kDouble);
}

/// The four figures from their definitions, point by point.
std::vector<double> by_definition(const Tensor& samples, const Tensor& data, std::int64_t k) {
    const auto n = samples.size(0), m = data.size(0);
    const auto radius = [&](const Tensor& x, std::int64_t i) {
        return std::get<0>((x - x[i]).norm(2, 1).sort())[k].item<double>();
    };
    const Tensor apart = (samples.unsqueeze(1) - data.unsqueeze(0)).norm(2, 2);  // [n, m]
    Tensor in_data = torch::zeros({n, m}, torch::kBool), in_samples = in_data.clone();
    for (std::int64_t j = 0; j < m; ++j)
        in_data.select(1, j).copy_(apart.select(1, j) <= radius(data, j));
    for (std::int64_t i = 0; i < n; ++i)
        in_samples.select(0, i).copy_(apart[i] <= radius(samples, i));
    const auto share = [](const Tensor& t) { return t.to(torch::kDouble).mean().item<double>(); };
    return {share(in_data.any(1)), share(in_samples.any(0)),
            share(in_data) * static_cast<double>(m) / static_cast<double>(k),
            share(in_data.any(0))};
}

constexpr NeighbourFigure kFigures[] = {NeighbourFigure::precision, NeighbourFigure::recall,
                                        NeighbourFigure::density, NeighbourFigure::coverage};

}  // namespace

TEST_CASE("Frechet's distance is the closed form, not its diagonal shortcut") {
    const Tensor mean = doubles({1, -2}, {2}), zero = torch::zeros({2}, torch::kDouble);
    const Tensor a = doubles({2, 0.8, 0.8, 1}, {2, 2}), b = doubles({1, -0.5, -0.5, 3}, {2, 2});
    CHECK(frechet_distance(mean, a, zero, b) == doctest::Approx(6.31922).epsilon(1e-6));
    CHECK(frechet_distance(zero, b, mean, a) == doctest::Approx(6.31922).epsilon(1e-6));
    const Tensor da = a.diagonal().diag(), db = b.diagonal().diag();
    CHECK(frechet_distance(mean, da, zero, db) == doctest::Approx(5.70747).epsilon(1e-6));
    CHECK(std::abs(frechet_distance(mean, a, mean, a)) < 1e-12);
    // a singular covariance has a square root too
    const Tensor flat = doubles({1, 1, 1, 1}, {2, 2});
    CHECK(frechet_distance(zero, flat, zero, 4 * flat) == doctest::Approx(2));
}

TEST_CASE("two samples of one law have a Frechet distance that falls as 1 / n") {
    // (F (F + 1) / 4 + F) 2 / n to first order; the spread is about 3 per cent at every n.
    for (const auto& row :
         {std::pair<std::int64_t, double>{500, 4.42}, {1000, 2.26}, {2000, 1.09}, {4000, 0.56}}) {
        const auto n = row.first;
        CAPTURE(n);
        const Tensor a = Rng(1).normal({n, 64}), b = Rng(2).normal({n, 64});
        const auto m = frechet(a, b, Rng(3), 2);
        CHECK(m.value == doctest::Approx(row.second).scale(0).epsilon(0.06));
        CHECK(m.n == n);
    }
}

TEST_CASE("Frechet's standard error is that of repeated samples") {
    // The mean claim over the spread of 60 values, which is known to 9 per cent.
    const auto claimed_over_spread = [](double scale, double shift) {
        std::vector<double> values;
        double claimed = 0;
        for (std::uint64_t seed = 0; seed < 60; ++seed) {
            const Tensor a = Rng(seed).normal({400, 2}), b = Rng(seed + 1000).normal({300, 2});
            const auto m = frechet(a, scale * b + shift, Rng(seed));
            values.push_back(m.value);
            claimed += m.standard_error / 60;
        }
        return claimed / torch::tensor(values, torch::kDouble).std().item<double>();
    };
    const double apart = claimed_over_spread(1.3, 1);
    CHECK(apart > 0.7);
    CHECK(apart < 1.4);
    // Of one law the bootstrap sees the distance of the two samples beside its own.
    const double same = claimed_over_spread(1, 0);
    CHECK(same > 1.1);
    CHECK(same < 2.2);
    CHECK(refusal([] {
              frechet(torch::zeros({3, 2}), torch::zeros({3, 4}), Rng(0));
          }) == "frechet: expected two sets of points of one space, got [3, 2] and [3, 4]");
    CHECK(refusal([] {
              frechet(torch::zeros({1, 2}), torch::zeros({3, 2}), Rng(0));
          }) == "frechet: expected 2 points in each set, got 1 and 3");
}

TEST_CASE("precision, recall, density and coverage are their definitions") {
    const Tensor samples = Rng(1).normal({530, 3}, torch::kDouble),  // more than a block of rows
        data = 1.5 * Rng(2).normal({600, 3}, torch::kDouble);
    for (std::int64_t k : {3, 5}) {
        const auto expected = by_definition(samples, data, k);
        for (std::size_t i = 0; i < 4; ++i) {
            CAPTURE(i);
            const auto m = neighbour_figure(kFigures[i], samples, data, Rng(1), k);
            CHECK(m.value == doctest::Approx(expected[i]).epsilon(1e-12));
            CHECK(m.n == 530);
        }
    }
    CHECK(refusal([&] { neighbour_figure(kFigures[0], samples.slice(0, 0, 49), data, Rng(1)); }) ==
          "neighbours: expected at least 50 points in each set for k = 3, got 49 and 600");
    CHECK(refusal([&] { neighbour_figure(kFigures[0], samples, data.slice(1, 0, 2), Rng(1)); }) ==
          "neighbours: expected two sets of points of one space, got [530, 3] and [600, 2]");
}

TEST_CASE("lost modes cost recall, blur costs precision") {
    // Of a sample of the data's own law 0.978 is in the manifold of k = 3, give or take 0.003.
    const Tensor data = ten_modes(4000, 10, 0.1, 1);
    const auto figure = [&](NeighbourFigure f, const Tensor& samples) {
        return neighbour_figure(f, samples, data, Rng(1)).value;
    };
    const Tensor lost = ten_modes(4000, 7, 0.1, 2);  // three of ten are missing
    CHECK(std::abs(figure(NeighbourFigure::recall, lost) - 0.7) < 0.05);
    CHECK(figure(NeighbourFigure::precision, lost) >= 0.97);
    CHECK(std::abs(figure(NeighbourFigure::coverage, lost) - 0.7) < 0.06);
    const Tensor blurred = ten_modes(2000, 10, 0.4, 3);
    CHECK(figure(NeighbourFigure::precision, blurred) < 0.6);
    CHECK(figure(NeighbourFigure::recall, blurred) >= 0.97);
    const Tensor same = ten_modes(2000, 10, 0.1, 4);
    CHECK(figure(NeighbourFigure::precision, same) >= 0.95);
    CHECK(figure(NeighbourFigure::recall, same) >= 0.95);
    CHECK(figure(NeighbourFigure::density, same) == doctest::Approx(1).epsilon(0.05));
}

TEST_CASE("the neighbours' standard errors are those of repeated samples") {
    for (const auto f : kFigures) {
        CAPTURE(static_cast<int>(f));
        std::vector<double> values;
        double claimed = 0;
        for (std::uint64_t seed = 0; seed < 60; ++seed) {
            const auto m = neighbour_figure(f, 1.2 * Rng(seed).normal({500, 4}),
                                            Rng(seed + 1000).normal({500, 4}), Rng(seed));
            values.push_back(m.value);
            claimed += m.standard_error / 60;
        }
        // The spread of 60 values is known to 9 per cent; figures of a tenth of the points are
        // closer to 0 or 1, or farther, than those of all.
        const double spread = torch::tensor(values, torch::kDouble).std().item<double>();
        CHECK(claimed / spread > 0.7);
        CHECK(claimed / spread < 1.5);
    }
}

TEST_CASE("the neighbours' standard error does not depend on the order of a set") {
    // Samples of one mode after the other, as `label=each` draws them: ten parts of every tenth row
    // would be ten modes.
    const Tensor data = ten_modes(1000, 10, 0.1, 1), samples = ten_modes(1000, 10, 0.1, 2);
    const Tensor mode = at::atan2(samples.select(1, 1), samples.select(1, 0)).argsort();
    const Tensor in_turn = samples.index_select(0, mode.view({10, 100}).t().reshape({1000}));
    for (const auto f : {NeighbourFigure::recall, NeighbourFigure::coverage})
        CHECK(neighbour_figure(f, in_turn, data, Rng(1)).standard_error < 0.03);
}

TEST_CASE("accuracy is the share of held-out rows that the model tells right") {
    const Thirds model;
    Batch rows;
    rows.x = torch::tensor({-1.f, 0.f, -1.f, 0.f, 0.5f, 0.f, 2.f, 0.f, 3.f, 0.f}).view({5, 2});
    rows.c.value["label"] = torch::tensor({0, 1, 1, 2, 2}, torch::kLong);
    Judged judged;
    judged.model = &model;
    judged.held_out_model = &rows;
    const auto all = evaluate({}, judged);
    REQUIRE(all.size() == 1);
    CHECK(all[0].first == "accuracy");
    CHECK(all[0].second.value == doctest::Approx(0.8));
    CHECK(all[0].second.standard_error == doctest::Approx(std::sqrt(0.16 / 5)).scale(0));
    CHECK(all[0].second.n == 5);
    CHECK(all[0].second.higher_is_better);
    rows.c.given["label"] = torch::tensor({1, 0, 1, 1, 0}, torch::kLong).to(torch::kBool);
    CHECK(evaluate({}, judged)[0].second.value == 1);  // the wrong row has no label
    CHECK(evaluate({}, judged)[0].second.n == 3);

    const auto refused = [&](const std::string& name) {
        return refusal([&] { check_metrics({name}, judged); });
    };
    rows.c = {};
    CHECK(refused("accuracy") ==
          "metrics that cannot be computed:\n  accuracy: the held-out rows have no 'label' "
          "(SPEC?label=NAME says where it stands)");
    rows.c.value["label"] = torch::tensor({0, 1, 3, 2, 2}, torch::kLong);
    CHECK(refused("accuracy") ==
          "metrics that cannot be computed:\n  accuracy: the held-out rows have more classes than "
          "the 3 that are known");
    judged.held_out_model = nullptr;
    CHECK(refused("accuracy") ==
          "metrics that cannot be computed:\n  accuracy: it needs 2 held-out rows");
    judged.model = nullptr;
    CHECK(refused("accuracy") == "metrics that cannot be computed:\n  accuracy: it needs a model");
    CHECK(refused("frechet") == "metrics that cannot be computed:\n  frechet: it needs samples");
    CHECK(refused("recall") == "metrics that cannot be computed:\n  recall: it needs samples");
}

TEST_CASE("samples are judged by what the judge sees in them") {
    const Thirds judge;
    Batch real;
    real.x = Rng(1).normal({60, 2});
    Judged judged;
    judged.held_out = &real;
    judged.samples = Rng(2).normal({60, 2});
    const auto refused = [&] {
        return refusal([&] { check_metrics({"label_accuracy"}, judged); });
    };
    CHECK(refused() ==
          "metrics that cannot be computed:\n  label_accuracy: it needs a judge (--judge RUN)");
    judged.judge = &judge;
    CHECK(refused() ==
          "metrics that cannot be computed:\n  label_accuracy: the samples have no 'label' "
          "(SPEC?label=NAME says where it stands)");
    judged.asked.value["label"] = torch::zeros({60}, torch::kLong);
    const auto verdict = [&](const Tensor& features) {
        return Verdict{features,
                       torch::log_softmax(torch::tensor({2.f, 1.f, 0.f}), 0).expand({60, 3})};
    };
    judged.samples_seen = verdict(Rng(3).normal({60, 5}) + 10);
    judged.held_out_seen = verdict(Rng(4).normal({60, 5}));
    judged.asked.value["label"].slice(0, 0, 15).fill_(1);
    const auto all = evaluate({"label_accuracy", "frechet", "precision", "recall"}, judged);
    CHECK(all[0].second.value == 0.75);
    CHECK(all[1].second.value > 400);  // of the features: 5 x 10^2, the items are of one law
    CHECK(all[1].second.unit == "squared feature units");
    CHECK(all[2].second.value == 0);
    CHECK(all[3].second.value == 0);
    judged.judge = nullptr;
    const auto bare = evaluate({"frechet"}, judged);
    CHECK(bare[0].second.value < 1);
    CHECK(bare[0].second.unit == "squared data units");
    judged.samples = judged.samples.slice(0, 0, 49);
    CHECK(refusal([&] { check_metrics({"precision"}, judged); }) ==
          "metrics that cannot be computed:\n  precision: it needs 50 samples and as many held-out "
          "rows");
}

TEST_CASE("pixels are compared without a judge by request alone") {
    Batch real;
    real.x = Rng(1).uniform({60, 1, 2, 2});
    Judged judged;
    judged.held_out = &real;
    judged.samples = Rng(2).uniform({60, 1, 2, 2});
    for (const auto& [name, m] : evaluate({}, judged))
        CHECK((name != "frechet" && name != "precision" && name != "coverage"));
    CHECK(evaluate({"frechet", "coverage"}, judged).size() == 2);
    judged.held_out = nullptr;
    CHECK(refusal([&] { check_metrics({"density"}, judged); }) ==
          "metrics that cannot be computed:\n  density: it needs held-out rows");
}
