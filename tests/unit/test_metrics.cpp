#include "pushforward/base/errors.hpp"
#include "pushforward/metrics/c2st.hpp"
#include "pushforward/metrics/catalogue.hpp"
#include "pushforward/metrics/evaluate.hpp"
#include "pushforward/metrics/sliced_wasserstein.hpp"
#include "pushforward/metrics/wasserstein.hpp"

#include <doctest/doctest.h>
#include <torch/nn/module.h>
#include <torch/types.h>

#include <cmath>
#include <numbers>

using namespace pushforward;

namespace {

const double pi = std::numbers::pi;

double phi(double z) {
    return 0.5 * std::erfc(-z / std::sqrt(2.0));
}

/// The standard normal with an exact density.
class StandardNormal : public Model, public Density {
public:
    explicit StandardNormal(std::int64_t d) { spec_.x.event = {d}; }
    const DataSpec& spec() const override { return spec_; }
    torch::nn::Module& module() override { return module_; }
    Samples sample(const SampleRequest& r, Rng rng) const override {
        return {rng.rows_from(r.first).normal({r.n, spec_.x.event[0]})};
    }
    const Density* density() const override { return this; }
    std::vector<Estimator> estimators() const override {
        return {{"exact", Strength::exact, Measure::density}};
    }
    Tensor log_prob(const Tensor& x, const Condition&, const std::string&, Rng) const override {
        return -0.5 * x.square().sum(1) - 0.5 * std::log(2 * pi) * static_cast<double>(x.size(1));
    }

private:
    DataSpec spec_;
    torch::nn::Module module_;
};

/// Predicts x0 = 0 on the path alpha = 1 - t, sigma = t: its residual is -(eps - x0).
/// Latents are half the items; what they lead back to is off by the sum of the item's numbers
/// times `slip`, in its first number.
class Slipping : public StandardNormal, public Latent {
public:
    explicit Slipping(double slip) : StandardNormal(2), slip_(slip) {}
    const Latent* latent() const override { return this; }
    std::int64_t float64_rows() const override { return asked_; }
    LatentSpace latent_space() const override { return {"half", spec().x}; }
    Posterior encode(const Tensor& x, const Condition&, Rng) const override { return {x / 2}; }
    Tensor decode(const Tensor& z, const Condition&, Rng) const override {
        Tensor x = 2 * z;
        x.select(1, 0).add_(slip_ * x.sum(1));
        return x;
    }
    /// Claims that float64 was asked for one row a call.
    Tensor log_prob(const Tensor& x, const Condition& c, const std::string& e,
                    Rng rng) const override {
        ++asked_;
        return StandardNormal::log_prob(x, c, e, rng);
    }

private:
    double slip_;
    mutable std::int64_t asked_ = 0;
};

class Null : public Model, public Denoiser, public Path {
public:
    Null() { spec_.x.event = {2}; }
    const DataSpec& spec() const override { return spec_; }
    torch::nn::Module& module() override { return module_; }
    Samples sample(const SampleRequest& r, Rng) const override { return {torch::zeros({r.n, 2})}; }
    const Denoiser* denoiser() const override { return this; }
    const Path& path() const override { return *this; }
    Denoised predict_x0(const Tensor& x, const Tensor&, const Condition&) const override {
        return torch::zeros_like(x);
    }
    /// Scaled by t, so that the ranges of t are told apart.
    Residual residual(const Tensor&, const Tensor& eps, const Tensor& t,
                      const Condition&) const override {
        return eps * t.to(eps.scalar_type()).unsqueeze(1);
    }
    Tensor residual_scale(const Tensor& t) const override { return torch::ones_like(t); }
    Level at(const Tensor& t) const override { return {1 - t, t}; }
    Level derivative(const Tensor& t) const override {
        return {-torch::ones_like(t), torch::ones_like(t)};
    }
    double t_min() const override { return 0; }
    double t_max() const override { return 1; }
    Tensor training_time(const Tensor& u) const override { return u; }

private:
    DataSpec spec_;
    torch::nn::Module module_;
};

}  // namespace

TEST_CASE("sliced W1 and W2 of shifted normals are the closed form") {
    // W_p(w.a, w.b) = |w.shift|; E|w_1| = Gamma(d/2) / (sqrt(pi) Gamma((d+1)/2)), E w_1^2 = 1/d.
    const std::int64_t d = 3;
    const double shift = 2;
    Tensor a = Rng(1).normal({4000, d}), b = Rng(2).normal({3000, d});
    b.select(1, 0) += shift;
    const auto w1 = sliced_wasserstein(a, b, 1, Rng(3));
    const double e1 = shift * std::tgamma(1.5) / (std::sqrt(pi) * std::tgamma(2.0));
    CHECK(std::abs(w1.value - e1) < 3 * w1.standard_error);
    CHECK(w1.standard_error < 0.06);
    const auto w2 = sliced_wasserstein(a, b, 2, Rng(3));
    CHECK(std::abs(w2.value - shift / std::sqrt(3.0)) < 3 * w2.standard_error);
}

TEST_CASE("exact W2 is that of sorted points on the line, and of a shift anywhere") {
    Rng rng(5);
    const Tensor x = rng.normal({400, 1}, torch::kDouble),
                 y = 3 * rng.normal({400, 1}, torch::kDouble);
    const Tensor apart = std::get<0>(x.sort(0)) - std::get<0>(y.sort(0));
    const auto line = wasserstein_2(x, y);
    CHECK(line.value == doctest::Approx(apart.square().mean().sqrt().item<double>()).epsilon(1e-9));
    CHECK(line.n == 400);
    const Tensor plane = rng.normal({200, 2, 3}, torch::kDouble);
    const auto shifted = wasserstein_2(plane, plane.flip(0) + 0.5);  // any shift is optimal
    CHECK(shifted.value == doctest::Approx(0.5 * std::sqrt(6.0)).epsilon(1e-9));
    CHECK(shifted.standard_error < 1e-6);
    CHECK_THROWS_AS(wasserstein_2(x, y.slice(0, 0, 3)), UsageError);

    // As a metric: samples moved by 1 stand out of the floor.
    Batch held_out;
    held_out.x = rng.normal({1000, 2});
    Judged judged;
    judged.held_out = &held_out;
    judged.samples = rng.normal({700, 2}) + 1;
    const auto found = make_wasserstein_2()->evaluate(judged);
    CHECK(found.at(0).second.n == 500);
    CHECK(found.at(0).second.value == doctest::Approx(std::sqrt(2.0)).epsilon(0.1));
    CHECK(found.at(1).first == "wasserstein_2/floor");
    CHECK(found.at(1).second.value < 0.4);
}

TEST_CASE("in one dimension sliced W is exact, for unequal sizes too") {
    const Tensor a = torch::tensor({0.0, 1.0}).unsqueeze(1);
    const Tensor b = torch::tensor({0.0, 0.0, 3.0}).unsqueeze(1);
    // quantiles: 0 against 0 on [0, 1/2], 1 against 0 on [1/2, 2/3], 1 against 3 on [2/3, 1]
    CHECK(sliced_wasserstein(a, b, 1, Rng(0)).value == doctest::Approx(1.0 / 6 + 2.0 / 3));
    CHECK(sliced_wasserstein(a, b, 2, Rng(0)).value ==
          doctest::Approx(std::sqrt(1.0 / 6 + 4.0 / 3)));
    CHECK(sliced_wasserstein(a, a, 1, Rng(0)).value == 0);
    CHECK_THROWS_AS(sliced_wasserstein(a, torch::zeros({3, 2}), 1, Rng(0)), UsageError);
}

TEST_CASE("the bootstrap's standard error is that of repeated samples") {
    std::vector<double> values;
    double claimed = 0;
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        const auto m = sliced_wasserstein(Rng(seed).normal({500, 1}),
                                          Rng(seed + 1000).normal({500, 1}) + 1, 1, Rng(seed));
        values.push_back(m.value);
        claimed += m.standard_error / 40;
    }
    const double spread = torch::tensor(values, torch::kDouble).std().item<double>();
    CHECK(claimed / spread > 0.7);
    CHECK(claimed / spread < 1.4);
}

TEST_CASE("AUC and DeLong's error of scores") {
    const auto m = roc_auc(torch::tensor({0.8, 0.4}), torch::tensor({0.5, 0.4, 0.1}));
    CHECK(m.value == doctest::Approx((3 + 1.5) / 6));
    const auto normal = roc_auc(Rng(1).normal({5000}) + 1, Rng(2).normal({5000}));
    CHECK(std::abs(normal.value - phi(1 / std::sqrt(2.0))) < 3 * normal.standard_error);
    CHECK(normal.standard_error == doctest::Approx(0.0047).scale(0).epsilon(0.05));
}

TEST_CASE("the classifier's AUC reaches the closed form on shifted normals, and 1/2 on halves") {
    const Tensor a = Rng(1).normal({2000, 2});
    for (double shift : {0.0, 0.5, 1.0, 2.0}) {
        Tensor b = Rng(2).normal({2000, 2});
        b.select(1, 0) += shift;
        const auto m = classifier_auc(a, b, false, Rng(3));
        CAPTURE(shift);
        CHECK(std::abs(m.value - phi(shift / std::sqrt(2.0))) < 3 * m.standard_error);
        CHECK(m.standard_error < 0.011);
    }
    // The same moments, another law: only a non-linear classifier sees it.
    const Tensor ring = Rng(4).normal({2000, 2});
    const auto m = classifier_auc(a, std::sqrt(2.0) * ring / ring.norm(2, 1, true), false, Rng(3));
    CHECK(m.value > 0.8);
}

TEST_CASE("the classifier of images: halves at 1/2, a faint texture found") {
    const Tensor a = Rng(1).uniform({600, 1, 12, 12}), b = Rng(2).uniform({600, 1, 12, 12});
    const auto same = classifier_auc(a, b, true, Rng(3));
    CHECK(std::abs(same.value - 0.5) < 3 * same.standard_error);
    Tensor smooth = at::avg_pool2d(Rng(4).uniform({600, 1, 14, 14}), {3, 3}, 1);
    smooth = (smooth - 0.5) * 3 + 0.5;  // uniform noise's variance, its neighbours correlated
    CHECK(classifier_auc(a, smooth, true, Rng(3)).value > 0.95);
}

TEST_CASE("log-likelihood in the data's own units") {
    const StandardNormal model(2);
    Batch rows;
    rows.x = Rng(5).normal({1000, 2});
    Judged judged;
    judged.model = &model;
    judged.held_out_model = &rows;
    judged.log_det = -2 * std::log(3.0);  // the data were three times as wide
    const auto m = evaluate({"log_likelihood"}, judged).front().second;
    CHECK(std::abs(m.value - (-std::log(2 * pi) - 1 - 2 * std::log(3.0))) < 3 * m.standard_error);
    CHECK(m.standard_error == doctest::Approx(1 / std::sqrt(1000.0)).scale(0).epsilon(0.15));
    CHECK(m.kind == "exact");
    CHECK(m.unit == "nats");
}

TEST_CASE("the way to the latents and back, and the rows that asked for float64") {
    Batch rows;
    rows.x = Rng(5).normal({1000, 2});
    Judged judged;
    judged.held_out_model = &rows;
    const Slipping slipping(0.1);
    judged.model = &slipping;
    auto all = evaluate({"round_trip"}, judged);
    REQUIRE(all.size() == 2);
    // E|N(0, 2)| = 2 / sqrt(pi)
    const auto& mean = all[0].second;
    CHECK(std::abs(mean.value - 0.2 / std::sqrt(pi)) < 4 * mean.standard_error);
    CHECK(mean.standard_error < 0.004);
    CHECK(all[1].first == "round_trip/worst");
    CHECK(all[1].second.value ==
          doctest::Approx(0.1 * rows.x.sum(1).abs().max().item<double>()).epsilon(1e-3));
    const Slipping exact(0);
    judged.model = &exact;
    CHECK(evaluate({"round_trip"}, judged)[1].second.value < 1e-6);

    all = evaluate({"log_likelihood"}, judged);  // four calls
    REQUIRE(all.size() == 2);
    CHECK(all[1].first == "log_likelihood/float64_share");
    CHECK(all[1].second.value == doctest::Approx(4.0 / 1000));
    const StandardNormal none(2);
    judged.model = &none;
    CHECK(evaluate({"log_likelihood"}, judged)[1].second.value == 0);
}

TEST_CASE("the validation loss has a figure for each range of times") {
    const Null model;
    Batch rows;
    rows.x = torch::zeros({2000, 2});
    Judged judged;
    judged.model = &model;
    judged.held_out_model = &rows;
    judged.seed = 7;
    const auto all = evaluate({"validation_loss"}, judged);
    REQUIRE(all.size() == 6);
    CHECK(all[0].first == "validation_loss");
    CHECK(std::abs(all[0].second.value - 1.0 / 3) < 3 * all[0].second.standard_error);
    CHECK(all[1].first == "validation_loss/t=0.1");
    CHECK(all[5].first == "validation_loss/t=0.9");
    for (int k = 0; k < 5; ++k) {  // E t^2 over [k/5, (k+1)/5]
        const double low = k / 5.0, high = (k + 1) / 5.0;
        const auto& m = all[static_cast<std::size_t>(k) + 1].second;
        CHECK(std::abs(m.value - (std::pow(high, 3) - std::pow(low, 3)) / 3 * 5) <
              3.5 * m.standard_error);
    }
    CHECK(evaluate({"validation_loss"}, judged)[0].second.value == all[0].second.value);
    Judged other = judged;
    other.seed = 8;
    CHECK(evaluate({"validation_loss"}, other)[0].second.value != all[0].second.value);
}

TEST_CASE("samples are judged against held-out rows, with a floor") {
    Batch rows;
    rows.x = Rng(1).normal({1000, 2});
    Judged judged;
    judged.held_out = &rows;
    judged.samples = Rng(2).normal({1000, 2});
    const auto good = evaluate({}, judged);  // what does not refuse
    REQUIRE(good.size() == 12);              // frechet and the neighbours' four come last
    CHECK(good[0].first == "sliced_wasserstein");
    CHECK(good[1].first == "sliced_wasserstein/floor");
    CHECK(good[6].first == "c2st");
    CHECK(good[0].second.value < good[1].second.value + 3 * good[1].second.standard_error);
    CHECK(std::abs(good[6].second.value - 0.5) < 3 * good[6].second.standard_error);
    judged.samples = 1.3 * Rng(2).normal({1000, 2});  // too wide
    const auto bad = evaluate({}, judged);
    CHECK(bad[0].second.value > bad[1].second.value + 5 * bad[1].second.standard_error);
    CHECK(bad[6].second.value > 0.5 + 5 * bad[6].second.standard_error);
}

TEST_CASE("what cannot be measured is refused at once, by name and reason") {
    const Judged nothing;
    auto message = [&](const std::vector<std::string>& names) {
        try {
            evaluate(names, nothing);
        } catch (const UsageError& e) {
            return std::string(e.what());
        }
        return std::string();
    };
    CHECK(message({"c2st", "log_liklihood"}).find("c2st: it needs samples") != std::string::npos);
    CHECK(message({"c2st", "log_liklihood"}).find("nearest: log_likelihood") != std::string::npos);
    CHECK(message({}).find("no metric can judge this") != std::string::npos);
}

TEST_CASE("measurements as JSON and as text") {
    const Measurements one = {{"c2st", {0.75, 0.01, 100, "area under the curve", false}},
                              {"log_likelihood", {-1.5, 0.1, 50, "nats", true, "lower_bound"}}};
    CHECK(to_json(to_json(one)) ==
          R"({"c2st":{"value":0.75,"stderr":0.01,"n":100,"unit":"area under the curve",)"
          R"("higher_is_better":false},"log_likelihood":{"value":-1.5,"stderr":0.1,"n":50,)"
          R"("unit":"nats","higher_is_better":true,"kind":"lower_bound"}})");
    CHECK(to_text(one).find("-1.5 +- 0.1 nats (lower_bound), n = 50") != std::string::npos);
}
