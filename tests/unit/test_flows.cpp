#include "pushforward/core/levels.hpp"
#include "pushforward/distributions/base_distribution.hpp"
#include "pushforward/families/catalogue.hpp"
#include "pushforward/families/flow/dequantiser.hpp"
#include "pushforward/families/flow/models.hpp"
#include "pushforward/math/k_means.hpp"
#include "pushforward/objectives/likelihood.hpp"
#include "support.hpp"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linalg_slogdet.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <doctest/doctest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/module.h>

#include <cmath>
#include <functional>
#include <limits>
#include <numbers>

using namespace pushforward;
using testing::worst;

namespace {

const DataSpec plane{{Kind::real, {2}, 0}, {{"label", {Kind::symbol, {}, 3}}}};

struct Named {
    std::string name;
    std::function<std::unique_ptr<Model>(const DataSpec&)> make;
};

template <class O>
Named flow(const std::string& name,
           std::unique_ptr<Model> (*make)(const O&, const FlowSampling&, const DataSpec&),
           std::function<void(O&)> change = {}) {
    return {name, [=](const DataSpec& spec) {
                O options;
                options.transforms = 3;
                options.width = 16;
                if (change) change(options);
                return make(options, {}, spec);
            }};
}

std::vector<Named> flows() {
    const auto spline = [](const std::string& name, std::function<void(SplineOptions&)> change) {
        return flow<SplineOptions>(name, make_spline_flow, std::move(change));
    };
    return {
        flow<NiceOptions>("nice", make_nice),
        flow<RealNvpOptions>("real_nvp", make_real_nvp),
        flow<RealNvpOptions>("real_nvp, plain", make_real_nvp, [](auto& o) { o.act_norm = false; }),
        flow<MafOptions>("maf", make_maf),
        flow<IafOptions>("iaf", make_iaf),
        spline("spline", [](auto&) {}),
        spline("spline, autoregressive", [](auto& o) { o.autoregressive = true; }),
        spline("spline, asinh", [](auto& o) { o.asinh = true; }),
        spline("spline, mixture", [](auto& o) { o.base.select("mixture"); }),
        spline("spline, reversal", [](auto& o) { o.mixing = Mixing::reversal; }),
        spline("spline, permutation", [](auto& o) { o.mixing = Mixing::permutation; }),
        spline("spline, plain", [](auto& o) {
            o.mixing = Mixing::none;
            o.act_norm = false;
        })};
}

void move(Model& model) {
    const at::NoGradGuard no_grad;
    Rng rng(6);
    for (auto& p : model.module().parameters()) p.add_(0.1 * rng.normal(p.sizes()));
}

}  // namespace

TEST_CASE("densities of flows integrate to one") {
    // the trapezium rule in u with x = sinh u: fine where the mass is and out to 30,000, for the
    // tails
    const std::int64_t n = 1001;
    const Tensor axis = at::linspace(-11, 11, n, at::kDouble);
    const Tensor u = at::stack({axis.repeat_interleave(n), axis.repeat({n})}, 1);
    const Tensor x = u.sinh(), stretch = u.cosh().prod(1);
    const double cell = std::pow(22.0 / double(n - 1), 2);
    Condition c;
    for (const auto& f : flows()) {
        CAPTURE(f.name);
        const auto model = f.make(plane);
        move(*model);
        model->compute_in(at::kDouble);
        const at::NoGradGuard no_grad;
        c.value["label"] = at::zeros({n * n}, at::kLong) + 2;
        const Tensor log_p = model->density()->log_prob(x, c, "exact", Rng(0));
        const double mass = (log_p.exp() * stretch).sum().item<double>() * cell;
        CHECK(mass == doctest::Approx(1).epsilon(1e-3));
        // another class, another density
        c.value["label"] = at::zeros({1000}, at::kLong);
        const std::int64_t middle = n * n / 2;
        CHECK(worst(log_p.slice(0, middle, middle + 1000),
                    model->density()->log_prob(x.slice(0, middle, middle + 1000), c, "exact",
                                               Rng(0))) > 1e-3);
    }
}

TEST_CASE("samples of flows come with their density, and latents lead back") {
    for (const auto& f : flows()) {
        CAPTURE(f.name);
        const auto model = f.make(plane);
        move(*model);
        model->compute_in(at::kDouble);
        SampleRequest request{200};
        request.c.value["label"] = at::arange(200).remainder(3);
        const Samples drawn = model->sample(request, Rng(3));
        const Tensor score =
            model->density()->log_prob(drawn.x, request.c, "exact", Rng(0)).detach();
        CHECK(worst(drawn.log_prob, score) < 3e-4);  // samples are float32
        const Latent* latent = model->latent();
        CHECK((latent != nullptr) == (f.name != "spline, mixture"));
        if (!latent) continue;
        const at::NoGradGuard no_grad;
        const Tensor x = drawn.x.to(at::kDouble);
        const Tensor z = latent->encode(x, request.c, Rng(0)).mean;
        CHECK(worst(latent->decode(z, request.c, Rng(0)), x) < 1e-6);
        // of a sample's own noise: the base's normal quantiles
        CHECK(z.mean().abs().item<double>() < 0.25);
        CHECK(z.std().item<double>() == doctest::Approx(1).epsilon(0.15));
    }
}

TEST_CASE("rows that float32 cannot carry are answered in float64, and counted") {
    const at::NoGradGuard no_grad;
    for (const auto& f : flows()) {
        CAPTURE(f.name);
        const auto model = f.make(plane);
        move(*model);
        Condition c;
        c.value["label"] = at::arange(6).remainder(3);
        Tensor x = Rng(4).normal({6, 2}, at::kFloat);
        const auto score = [&](at::ScalarType type) {
            model->compute_in(type);
            return model->density()->log_prob(x, c, "exact", Rng(0));
        };
        CHECK(worst(score(at::kFloat), score(at::kDouble)) < 1e-3);
        CHECK(model->float64_rows() == 0);
        x[1].fill_(1e30);  // a normal base squares it, beyond float32
        x[3].fill_(-1e25);
        const bool squares = f.name != "nice" && f.name != "spline, asinh";
        const std::int64_t lost = squares ? 2 : 0;
        const Tensor log_p = score(at::kFloat);
        CHECK(log_p.isfinite().all().item<bool>());
        CHECK(model->float64_rows() == lost);
        CHECK(((log_p - score(at::kDouble)).abs() < 1e-3 * (1 + log_p.abs())).all().item<bool>());
        CHECK(model->float64_rows() == lost);
        x[5].fill_(std::numeric_limits<float>::infinity());  // no type carries this
        score(at::kFloat);
        CHECK(model->float64_rows() == 2 * lost);
    }
}

TEST_CASE("what is the same in all rows has no finite density, and is named") {
    class Rows : public Dataset {
    public:
        const DataSpec& spec() const override { return spec_; }
        std::int64_t size() const override { return 5; }
        Batch get(std::span<const std::int64_t> rows) const override {
            Batch batch;
            batch.x = at::tensor({1., 7., 2., 7., 4., 7., 4., 7., 5., 7.})
                          .view({5, 2})
                          .slice(0, 0, static_cast<std::int64_t>(rows.size()));
            return batch;
        }

    private:
        DataSpec spec_{{Kind::real, {2}, 0}, {}};
    } data;
    const std::vector<std::int64_t> rows = {0, 1, 2, 3, 4};
    const auto model = make_nice({}, {}, data.spec());
    CHECK(make_likelihood({})->refusal(*model, {.data = &data, .rows = rows}) ==
          "number 1 (counted from 0) is the same in all rows: no density is finite there (a "
          "table's columns are left out by ?drop=NAME)");
    CHECK(make_likelihood({})->refusal(*model, {.data = &data}) == "");
}

TEST_CASE(
    "flows of pictures: normalised at every scale, invertible, and drawn with their density") {
    // one channel of 4 x 4 pixels
    const DataSpec pictures{{Kind::real, {1, 4, 4}, 0}, {{"label", {Kind::symbol, {}, 3}}}};
    const auto glow = flow<GlowOptions>("glow", make_glow, [](auto& o) {
        o.transforms = 2;
        o.pictures.levels = 2;
    });
    const auto real_nvp = [](const std::string& name, std::function<void(RealNvpOptions&)> change) {
        return flow<RealNvpOptions>(name, make_real_nvp, std::move(change));
    };
    for (const auto& f : {glow, real_nvp("real_nvp", [](auto& o) { o.pictures.levels = 3; }),
                          real_nvp("real_nvp, logit", [](auto& o) {
                              o.pictures.levels = 2;
                              o.pictures.logit = 0.05;
                          })}) {
        CAPTURE(f.name);
        at::manual_seed(1);
        const auto model = f.make(pictures);
        move(*model);
        model->compute_in(at::kDouble);
        SampleRequest request{300};
        request.c.value["label"] = at::arange(300).remainder(3);
        const Samples drawn = model->sample(request, Rng(3));
        CHECK(drawn.x.sizes() == at::IntArrayRef({300, 1, 4, 4}));
        const at::NoGradGuard no_grad;
        const Tensor score = model->density()->log_prob(drawn.x, request.c, "exact", Rng(0));
        // samples are float32, and a logit's may lie on its edge
        const bool edged = f.name == "real_nvp, logit";
        const Tensor within =
            (drawn.x.abs() < (edged ? 1.1 : 1e9)).flatten(1).all(1).nonzero().flatten();
        REQUIRE(within.size(0) > 5);
        CHECK(worst(drawn.log_prob.index_select(0, within), score.index_select(0, within)) < 1e-3);
        const Tensor x = drawn.x.to(at::kDouble).index_select(0, within);
        const Tensor label = request.c.value["label"].index_select(0, within);
        Condition all;
        all.value["label"] = label;
        const Tensor z = model->latent()->encode(x, all, Rng(0)).mean;
        CHECK(worst(model->latent()->decode(z, all, Rng(0)), x) < 1e-6);
        // log |det| of the whole map, half-dropped numbers included, by brute force
        const at::AutoGradMode with_grad(true);
        const Tensor row = x.slice(0, 3, 4).clone().requires_grad_(true);
        Condition c;
        c.value["label"] = label.slice(0, 3, 4);
        const Tensor to = model->latent()->encode(row, c, Rng(0)).mean.flatten();
        std::vector<Tensor> rows;
        for (std::int64_t k = 0; k < 16; ++k)
            rows.push_back(torch::autograd::grad({to[k]}, {row}, {}, true)[0].flatten());
        const Tensor det = std::get<1>(at::linalg_slogdet(at::stack(rows)));
        const Tensor base = -0.5 * (to.square() + std::log(2 * std::numbers::pi)).sum();
        const Tensor exact = model->density()->log_prob(row, c, "exact", Rng(0));
        CHECK(worst(exact[0], base + det) < 1e-9);
    }
    CHECK(testing::refusal([&] { make_glow({}, {}, pictures); }) ==
          "glow: expected pictures whose sides are multiples of 8 (fewer levels ask for less), got "
          "4 x 4");
    CHECK(testing::refusal([&] { make_glow({}, {}, plane); }) ==
          "glow: expected pictures, got other items");
}

TEST_CASE("dequantised: a uniform law of levels has 8 bits, and no bound lies below an entropy") {
    const std::int64_t n = 4000;
    Rng rng(2);
    // model units; a pixel is one of the first `used` of 256 levels
    const auto bits = [&](const Model& model, std::int64_t used, const std::string& name) {
        const at::NoGradGuard no_grad;
        const Tensor x = rng.integers(0, used, {n, 1, 2, 2}).to(at::kFloat) * (2 / 255.0) - 1;
        const auto levels = levels_of(x);
        REQUIRE(levels.has_value());
        for (const auto& e : model.density()->estimators())
            if (e.name == name)
                return -log_prob_of_data(*model.density(), e, x, {}, levels, Rng(5))
                            .mean()
                            .item<double>() /
                       (4 * std::log(2.0));
        FAIL("no such estimator");
        return 0.0;
    };
    RealNvpOptions options;
    options.width = 8;
    options.pictures.levels = 1;
    options.pictures.logit = 1e-6;
    options.pictures.dequantisation = Dequantisation::variational;
    options.base.select("logistic");
    const auto model = make_real_nvp(options, {}, {{Kind::real, {1, 2, 2}, 0}, {}});
    CHECK(model->density()->estimators().front().name == "variational");
    CHECK(model->density()->estimators().front().strength == Strength::lower_bound);
    CHECK(model->density()->estimators().front().measure == Measure::dequantised);
    // as it begins the map is the logit alone, whose inverse makes a logistic law uniform
    CHECK(bits(*model, 256, "exact") == doctest::Approx(8).epsilon(1e-5));
    const double bound = bits(*model, 256, "variational");
    CHECK(bound > 8);
    CHECK(bound < 8.02);  // q is logit-normal there: its KL from the uniform law
    move(*model);
    CHECK(bits(*model, 256, "exact") > 8);
    CHECK(bits(*model, 256, "variational") > 8);
    CHECK(bits(*model, 16, "variational") > 4);
    const Tensor off = at::zeros({1, 1, 2, 2}) + 0.1234;
    CHECK(!levels_of(off).has_value());
    CHECK(testing::refusal([&] { model->density()->log_prob(off, {}, "variational", Rng(0)); }) ==
          "variational dequantisation: expected pictures of 256 levels, got others");
}

TEST_CASE("variational noise is a density of its own") {
    // of one pixel: q(u | x) integrates to one over the unit square
    torch::nn::Module own;
    const Dequantiser q(own, "q", {Kind::real, {1, 1, 2}, 0}, 8);
    const at::NoGradGuard no_grad;
    Rng rng(6);
    for (auto& p : own.parameters()) p.add_(0.1 * rng.normal(p.sizes()));
    const std::int64_t n = 200000;
    const LevelNoise u = q.draw(at::full({n, 1, 1, 2}, 0.3, at::kDouble), Rng(4));
    CHECK((u.noise > 0).logical_and(u.noise < 1).all().item<bool>());
    // E_q[f / q] is the integral of f: two Beta(3, 3) laws, which vanish at the edges
    const Tensor f = (30 * u.noise.square() * (1 - u.noise).square()).flatten(1).prod(1);
    const Tensor ratio = f * (-u.log_prob).exp();
    const double error = ratio.std().item<double>() / std::sqrt(double(n));
    CHECK(error < 0.02);
    // four standard errors: one false alarm in 15,000
    CHECK(std::abs(ratio.mean().item<double>() - 1) < 4 * error);
    // and it hears the picture
    CHECK(worst(q.draw(at::full({2, 1, 1, 2}, 0.3, at::kDouble), Rng(4)).noise,
                q.draw(at::full({2, 1, 1, 2}, -0.3, at::kDouble), Rng(4)).noise) > 1e-3);
}

TEST_CASE("NICE's log-determinant is its scale's alone") {
    NiceOptions options;
    options.width = 16;
    const auto model = make_nice(options, {}, {{Kind::real, {4}, 0}, {}});
    move(*model);
    model->compute_in(at::kDouble);
    const at::NoGradGuard no_grad;
    const Tensor x = Rng(1).normal({50, 4}, at::kDouble);
    const Tensor z = model->latent()->encode(x, {}, Rng(0)).mean;
    const auto logistic = [] {
        torch::nn::Module own;
        Variant base = base_distributions();
        base.select("logistic");
        return make_base_distribution(base, own, "base", 4);
    }();
    const Tensor of_scale = model->density()->log_prob(x, {}, "exact", Rng(0)) -
                            logistic->log_prob(logistic->from_normal(z));
    double sum = 0;
    for (const auto& p : model->module().named_parameters())
        if (p.key() == "scale.log_scale") sum = p.value().sum().item<double>();
    CHECK(std::abs(sum) > 0.01);
    CHECK(worst(of_scale, at::zeros({50}, at::kDouble) + sum) < 1e-6);
}

TEST_CASE("base distributions are normalised, draw what they say, and map to normals") {
    for (const std::string name : {"normal", "logistic", "mixture"}) {
        CAPTURE(name);
        torch::nn::Module own;
        Variant variant = base_distributions();
        variant.select(name);
        const auto base = make_base_distribution(variant, own, "base", 1);
        const Tensor axis = at::linspace(-40, 40, 40001, at::kDouble).unsqueeze(1);
        const at::NoGradGuard no_grad;
        const Tensor p = base->log_prob(axis).exp();
        CHECK(p.sum().item<double>() * 0.002 == doctest::Approx(1).epsilon(1e-6));
        Rng rng(8);
        const std::int64_t n = 100000;
        const Tensor z = base->sample(n, 1, rng, at::kCPU);
        // mean and variance within five standard errors (a false alarm in 10^6; fixed seed)
        const double mean = (p * axis.squeeze(1)).sum().item<double>() * 0.002;
        const double variance =
            (p * (axis.squeeze(1) - mean).square()).sum().item<double>() * 0.002;
        CHECK(std::abs(z.mean().item<double>() - mean) < 5 * std::sqrt(variance / double(n)));
        CHECK(z.var().item<double>() == doctest::Approx(variance).epsilon(0.03));
        const Tensor cold = base->sample(n, 0.5, rng, at::kCPU);
        CHECK(cold.var().item<double>() < 0.9 * variance);
        if (!base->normalises()) continue;
        const Tensor normal = base->to_normal(z.to(at::kDouble));
        CHECK(normal.std().item<double>() == doctest::Approx(1).epsilon(0.02));
        CHECK(worst(base->from_normal(normal), z) < 1e-5);
    }
}

TEST_CASE("k-means finds clusters that are apart, and a mixture begins from them") {
    Rng rng(3);
    const Tensor centres = at::tensor({-10., 0., 10., 30.}, at::kDouble).view({4, 1});
    const Tensor x = centres.repeat({500, 2}) + 0.5 * rng.normal({2000, 2}, at::kDouble);
    const Clusters found = k_means(x, 4, Rng(1));
    CHECK(worst(std::get<0>(found.centre.select(1, 0).sort()), centres.squeeze(1)) < 0.1);
    CHECK(found.member.slice(0, 0, 4).equal(found.member.slice(0, 4, 8)));
    CHECK(testing::refusal([&] { k_means(x.slice(0, 0, 3), 4, Rng(1)); }) ==
          "k_means: expected at least 4 rows, got 3");

    torch::nn::Module own;
    Variant variant = base_distributions();
    variant.select("mixture");
    auto* options = dynamic_cast<MixtureBaseOptions*>(variant.options.get());
    options->components = 4;
    const auto base = make_base_distribution(variant, own, "base", 2);
    base->initialise(x.to(at::kFloat), Rng(1));
    const at::NoGradGuard no_grad;
    // the entropy of four apart normals: log 4 + that of N(0, 0.25 I)
    const double entropy = std::log(4.0) + std::log(2 * std::numbers::pi * std::numbers::e * 0.25);
    CHECK(-base->log_prob(x).mean().item<double>() == doctest::Approx(entropy).epsilon(0.02));
}
