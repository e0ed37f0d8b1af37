#include "gaussian_truth.hpp"
#include "pushforward/families/diffusion/edm.hpp"
#include "pushforward/families/diffusion/flow_matching.hpp"
#include "pushforward/samplers/denoising_sampler.hpp"
#include "pushforward/samplers/guidance.hpp"
#include "support.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/remainder.h>
#include <ATen/ops/special_ndtri.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <doctest/doctest.h>
#include <torch/nn/module.h>

#include <cmath>
#include <utility>

using namespace pushforward;
using pushforward::testing::BayesClassifier;
using pushforward::testing::refusal;
using pushforward::testing::TwoClasses;
using pushforward::testing::VpPath;
using pushforward::testing::worst;

namespace {

/// x0 = 10 label where it is given, 1 where it isn't; counts passes and rows.
class Labelled : public Denoiser {
public:
    const Path& path() const override { return *path_; }
    Denoised predict_x0(const Tensor& x, const Tensor& t, const Condition& c) const override {
        ++passes;
        rows += x.size(0);
        CHECK((t.size(0) == x.size(0) || t.size(0) == 1));
        if (c.empty()) return at::ones(x.sizes());
        const Tensor label = c.value.at("label");
        const auto given = c.given.find("label");
        const Tensor shown =
            given == c.given.end() ? at::ones({x.size(0)}, at::kBool) : given->second;
        return at::where(shown, 10. * label.to(at::kFloat), 1.).to(at::kFloat).unsqueeze(1);
    }
    Residual residual(const Tensor& x0, const Tensor&, const Tensor&,
                      const Condition&) const override {
        return x0;
    }
    Tensor residual_scale(const Tensor& t) const override { return at::ones_like(t); }
    mutable int passes = 0;
    mutable std::int64_t rows = 0;

private:
    std::shared_ptr<const GaussianPath> path_ = straight_path();
};

/// A denoiser as a model that may guide.
class Guide : public Model {
public:
    Guide(const Denoiser* denoiser, DataSpec spec) : denoiser_(denoiser), spec_(std::move(spec)) {}
    const DataSpec& spec() const override { return spec_; }
    torch::nn::Module& module() override { throw UsageError("it has no parameters"); }
    Samples sample(const SampleRequest&, Rng) const override { return {}; }
    const Denoiser* denoiser() const override { return denoiser_; }

private:
    const Denoiser* denoiser_;
    DataSpec spec_;
};

/// x0 = 4, whatever is asked.
class Constant : public Labelled {
public:
    Denoised predict_x0(const Tensor& x, const Tensor&, const Condition&) const override {
        ++passes;
        return at::full(x.sizes(), 4.);
    }
};

const DataSpec line{{Kind::real, {1}, 0}, {{"label", {Kind::symbol, {}, 2}}}};

Condition second_class(std::int64_t rows) {
    Condition c;
    c.value["label"] = at::ones({rows}, at::kLong);
    return c;
}

}  // namespace

TEST_CASE("guidance combines as D = g D(c) + (1 - g) D(none) and asks only as often as it must") {
    const Tensor x = at::zeros({3, 1});
    Condition c;
    c.value["label"] = at::tensor({1, 2, 3}, at::kLong);
    const Tensor labels = at::tensor({10.f, 20.f, 30.f}).unsqueeze(1);
    for (double gamma : {0.0, 1.0, 2.0, 0.5, 3.0}) {
        CAPTURE(gamma);
        const Labelled model;
        std::int64_t evaluations = 0;
        const Tensor y = denoise_at(guided(model, c, {gamma}, &evaluations), x, 0.5);
        CHECK(((y - (gamma * labels + (1 - gamma))).abs() < 1e-5).all().item<bool>());
        const bool once = gamma == 0 || gamma == 1;
        CHECK(evaluations == (once ? 1 : 2));
        CHECK(model.passes == 1);
        CHECK(model.rows == (once ? 3 : 6));
    }
    const Labelled model;
    std::int64_t evaluations = 0;
    denoise_at(guided(model, {}, {4}, &evaluations), x, 0.5);  // nothing to be guided by
    CHECK(evaluations == 1);
    CHECK(model.rows == 3);
}

TEST_CASE("rows that the caller left unconditional stay so under guidance") {
    Condition c;
    c.value["label"] = at::tensor({1, 2}, at::kLong);
    c.given["label"] = at::tensor({1, 0}, at::kLong).to(at::kBool);
    const Labelled model;
    const Tensor y = denoise_at(guided(model, c, {3}), at::zeros({2, 1}), 0.5);
    CHECK(y[0].item<float>() == 28);  // 3 * 10 - 2 * 1
    CHECK(y[1].item<float>() == 1);
}

TEST_CASE("clipping clamps the denoised item") {
    const Denoise big = [](const Tensor& x, const Tensor&) { return x * 10; };
    const Tensor y = denoise_at(clipped(big, 1), at::tensor({-3.f, 0.05f, 3.f}), 0.5);
    CHECK(y[0].item<float>() == -1);
    CHECK(y[1].item<float>() == doctest::Approx(0.5));
    CHECK(y[2].item<float>() == 1);
}

TEST_CASE("guidance by the Bayes classifier is classifier-free guidance by exact denoisers") {
    const VpPath path;
    const TwoClasses truth(path);
    const BayesClassifier bayes;
    const Tensor x = at::linspace(-4, 4, 41, at::kDouble).unsqueeze(1);
    Condition c = second_class(41);
    c.value["label"].slice(0, 0, 20).fill_(0);
    for (double t : {0.001, 0.01, 0.1, 0.3, 0.6, 1.0})
        for (double gamma : {0., 1., 3., -0.5}) {
            CAPTURE(t);
            CAPTURE(gamma);
            const Tensor free = denoise_at(guided(truth, c, {gamma}), x, t);
            CHECK(worst(denoise_at(guided(truth, c, {.gamma = gamma, .guide = &bayes}), x, t),
                        free) < 1e-6);
        }
    // rows with times of their own, and some that are asked for nothing
    c.given["label"] = at::arange(41, at::kLong).remainder(3) > 0;
    const Tensor t = at::linspace(0.01, 1, 41, at::kDouble);
    CHECK(worst(guided(truth, c, {.gamma = 3, .guide = &bayes})(x, t),
                guided(truth, c, {.gamma = 3})(x, t)) < 1e-6);
}

TEST_CASE("guided laws of the two classes are those of the probability-flow ODE") {
    // Mean and deviation of x0 from x_1 ~ N(0, 1) at each gamma, to which the ODE was solved by an
    // adaptive method of order 8; gamma = 1 is N(1.5 (1 - alpha(1)), 1).
    const VpPath path;
    const TwoClasses truth(path);
    const BayesClassifier bayes;
    const std::int64_t n = 2000;
    const Tensor u = (at::arange(n, at::kDouble) + 0.5) / n;  // quantiles instead of random numbers
    const Tensor start = at::special_ndtri(u).unsqueeze(1);
    const auto times = time_grid(path, Grid::log_snr, 100);
    const auto law = [&](const Guidance& g) {
        return dpm_solver_2(guided(truth, second_class(n), g), path, start, times);
    };
    const double expected[][3] = {
        {0, 0, 1.803}, {1, 1.490, 1}, {2, 2.132, 0.721}, {3, 2.530, 0.628}, {5, 3.101, 0.546}};
    for (const auto& row : expected) {
        const double gamma = row[0], mean = row[1], deviation = row[2];
        CAPTURE(gamma);
        const Tensor free = law({gamma}), by_classifier = law({.gamma = gamma, .guide = &bayes});
        CHECK(std::abs(by_classifier.mean().item<double>() - mean) < 0.004);
        CHECK(std::abs(by_classifier.std().item<double>() - deviation) < 0.004);
        CHECK(worst(free, by_classifier) < 1e-6);
    }
}

TEST_CASE("where the path has no signal left a classifier adds nothing") {
    const auto path = straight_path();
    const TwoClasses truth(*path);
    const BayesClassifier bayes;
    const Tensor x = at::linspace(-2, 2, 5, at::kDouble).unsqueeze(1);
    const Denoise denoise = guided(truth, second_class(5), {.gamma = 3, .guide = &bayes});
    CHECK(worst(denoise_at(denoise, x, 1), denoise_at(guided(truth, {}, {}), x, 1)) < 1e-12);
}

TEST_CASE("guidance acts inside its interval of sigma / alpha alone, row by row") {
    const auto path = straight_path();  // s = t / (1 - t): 1 at t = 1/2, 3 at t = 3/4
    const TwoClasses truth(*path);
    const Tensor x = at::full({5, 1}, 0.3, at::kDouble);
    const Tensor t = at::tensor({0.3, 0.5, 0.6, 0.75, 0.8}, at::kDouble);
    const Condition c = second_class(5);
    const Tensor plain = guided(truth, c, {})(x, t), strong = guided(truth, c, {4})(x, t);
    std::int64_t evaluations = 0;
    const Tensor y = guided(truth, c, {4, 1, 3}, &evaluations)(x, t);
    CHECK(evaluations == 2);
    CHECK((plain - strong).abs().min().item<double>() > 0.01);
    for (std::int64_t i : {0, 1, 4}) CHECK(y[i].item<double>() == plain[i].item<double>());
    for (std::int64_t i : {2, 3}) CHECK(y[i].item<double>() == strong[i].item<double>());
    // pure noise, where s is infinite, is above any limit but none
    CHECK(worst(denoise_at(guided(truth, c, {4, 1}), x, 1),
                denoise_at(guided(truth, c, {4}), x, 1)) == 0);
    CHECK(worst(denoise_at(guided(truth, c, {4, 1, 1e9}), x, 1),
                denoise_at(guided(truth, c, {}), x, 1)) == 0);
    for (double outside : {0.4, 0.9}) {
        std::int64_t once = 0;
        denoise_at(guided(truth, c, {4, 1, 3}, &once), x, outside);
        CHECK(once == 1);
    }
}

TEST_CASE("autoguidance combines a model and a weaker one, and asks only whom it must") {
    const Condition c = second_class(3);
    const Tensor x = at::zeros({3, 1});
    for (double gamma : {0.0, 1.0, 2.5}) {
        CAPTURE(gamma);
        const Labelled model;
        const Constant weak;
        const Guide guide(&weak, line);
        std::int64_t evaluations = 0;
        const Tensor y =
            denoise_at(guided(model, c, {.gamma = gamma, .guide = &guide}, &evaluations), x, 0.5);
        CHECK(worst(y, at::full({3, 1}, gamma * 10 + (1 - gamma) * 4)) < 1e-5);
        CHECK(model.passes == (gamma == 0 ? 0 : 1));
        CHECK(weak.passes == (gamma == 1 ? 0 : 1));
        CHECK(evaluations == model.passes + weak.passes);
    }
}

TEST_CASE("a guide that cannot guide is refused with the reason") {
    const VpPath path;
    const TwoClasses truth(path);
    const BayesClassifier bayes;
    const auto refused = [&](const Model& guide, const DataSpec& spec, const Condition& c) {
        return refusal([&] { check_guide(truth, spec, guide, c); });
    };
    CHECK(refused(bayes, line, second_class(2)) == "not refused");
    CHECK(refused(Guide(&truth, line), line, {}) == "not refused");
    CHECK(refused(bayes, {{Kind::real, {2}, 0}, {}}, second_class(2)) ==
          "guide: expected items of [2], got a guide of [1]");
    CHECK(refused(bayes, line, {}) ==
          "guide: a classifier guides to a class, and none is asked for (label=...)");
    CHECK(refused(bayes, {line.x, {{"label", {Kind::symbol, {}, 3}}}}, second_class(2)) ==
          "guide: its 'label' is not the model's");
    const Labelled straight;
    CHECK(refused(Guide(&straight, line), line, {}) ==
          "guide: it denoises along another path than the model");
    CHECK(refused(Guide(nullptr, line), line, {}) ==
          "guide: it neither tells classes nor denoises");
}

TEST_CASE("sampling heeds the guide and asks it for a label that the model does not know") {
    const auto path = edm_path(0.5, 0.002, 80);
    const TwoClasses truth(*path);
    const BayesClassifier bayes;
    DenoisingSampling o;
    o.guidance = 1;
    SampleRequest request;
    request.n = 400;
    request.c = second_class(400);
    request.guide = &bayes;
    const DataSpec unconditional{{Kind::real, {1}, 0}, {}};
    o.grid = Grid::rho;
    const Samples samples = sample_denoiser(truth, unconditional, o, request, Rng(1));
    CHECK(samples.evaluations == 2 * o.steps);
    CHECK(std::abs(samples.x.mean().item<double>() - 1.5) < 0.2);  // four standard errors
    request.guide = nullptr;
    CHECK(refusal([&] { sample_denoiser(truth, unconditional, o, request, Rng(1)); }) ==
          "sample: condition 'label': the model knows no conditions");
    o.guidance_low = 3;
    o.guidance_high = 2;
    CHECK(refusal([&] { sample_denoiser(truth, line, o, request, Rng(1)); }) ==
          "sample.guidance_low: expected less than guidance_high, 2, got 3");
}
