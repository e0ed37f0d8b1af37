#include "pushforward/base/errors.hpp"
#include "pushforward/simulators/catalogue.hpp"

#include <doctest/doctest.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <numbers>

using namespace pushforward;

namespace {

/// Mass and entropy of a planar density by the midpoint rule on [low, high]^2.
std::pair<double, double> mass_and_entropy(const Simulator& s, double low, double high,
                                           std::int64_t n) {
    const double h = (high - low) / static_cast<double>(n);
    const Tensor t = low + h * (torch::arange(n, torch::kDouble) + 0.5);
    double mass = 0, entropy = 0;
    for (std::int64_t i = 0; i < n; ++i) {
        const Tensor lp =
            s.log_prob(torch::stack({torch::full({n}, t[i].item<double>(), torch::kDouble), t}, 1));
        mass += h * h * lp.exp().sum().item<double>();
        entropy -= h * h * (lp.exp() * lp).sum().item<double>();
    }
    return {mass, entropy};
}

/// The density integrates to 1, and draws have its entropy: mean -log p within 4 standard errors.
void check_plane(const std::string& name,
                 const std::vector<std::pair<std::string, std::string>>& options, double low,
                 double high, std::int64_t n) {
    const auto s = make_simulator(name, options);
    const auto [mass, entropy] = mass_and_entropy(*s, low, high, n);
    CHECK(mass == doctest::Approx(1).epsilon(1e-6));
    const Tensor lp = s->log_prob(s->batch(0, 20000, 11).x);
    const double se = lp.std().item<double>() / std::sqrt(20000.0);
    CHECK(std::abs(-lp.mean().item<double>() - entropy) < 4 * se + 1e-9);
}

}  // namespace

TEST_CASE("planar simulators: the density has mass 1 and the entropy of the draws") {
    check_plane("ring", {{"sigma", "0.2"}}, -4, 4, 400);
    check_plane("grid", {{"side", "3"}, {"sigma", "0.25"}}, -5, 5, 400);
    check_plane("moons", {}, -2, 3, 250);
    check_plane(
        "mixture",
        {{"dimension", "2"}, {"means", "0,0,3,1"}, {"weights", "1,3"}, {"sigma", "0.3,0.6"}}, -4, 7,
        400);
    check_plane("normal", {{"mean", "1,-1"}, {"covariance", "1,0.8,0.8,2"}}, -8, 8, 400);
}

TEST_CASE("normal: draws have the covariance that is asked for, and others are refused") {
    const Tensor x = make_simulator("normal", {{"mean", "1,-1"}, {"covariance", "1,0.8,0.8,2"}})
                         ->batch(0, 100000, 4)
                         .x.to(torch::kDouble);
    CHECK(std::abs(x.mean(0)[1].item<double>() + 1) < 0.02);  // 4 standard errors are 0.018
    const Tensor c = torch::cov(x.t());
    CHECK(std::abs(c[0][0].item<double>() - 1) < 0.02);
    CHECK(std::abs(c[0][1].item<double>() - 0.8) < 0.025);
    CHECK(std::abs(c[1][1].item<double>() - 2) < 0.04);
    const auto refused = [](const char* covariance) {
        try {
            make_simulator("normal", {{"covariance", covariance}});
        } catch (const UsageError& e) {
            return std::string(e.what());
        }
        return std::string("not refused");
    };
    CHECK(refused("1,2,3") == "sim:normal: covariance: expected 4 numbers, got 3");
    CHECK(refused("1,2,3,4") == "sim:normal: covariance: expected a symmetric matrix, got another");
    CHECK(refused("1,2,2,1") ==
          "sim:normal: covariance: expected a positive definite matrix, got another");
}

TEST_CASE("ring and grid: the standard forms") {
    const auto ring = make_simulator("ring");
    const Tensor x = ring->batch(0, 40000, 3).x;
    CHECK(x.norm(2, 1).mean().item<double>() == doctest::Approx(2.0025).epsilon(0.002));
    // at a mode: weight / (2 pi sigma^2), the other modes are 15 sigma away
    CHECK(ring->log_prob(torch::tensor({{2.0, 0.0}})).item<double>() ==
          doctest::Approx(std::log(1.0 / 8 / (2 * std::numbers::pi * 0.01))).epsilon(1e-9));
    const auto grid = make_simulator("grid");
    CHECK(grid->log_prob(torch::tensor({{-4.0, 2.0}})).item<double>() ==
          doctest::Approx(std::log(1.0 / 25 / (2 * std::numbers::pi * 0.0025))).epsilon(1e-9));
}

TEST_CASE("mixture: weights are kept (chi square) and labels name the components") {
    const auto s = make_simulator(
        "mixture",
        {{"means", "-4,0,5"}, {"weights", "1,2,5"}, {"sigma", "0.1"}, {"labels", "true"}});
    REQUIRE(s->spec().condition("label") != nullptr);
    CHECK(s->spec().condition("label")->space.symbols == 3);
    const Batch b = s->batch(0, 16000, 5);
    const Tensor label = b.c.value.at("label");
    const double expected[] = {2000, 4000, 10000};
    double chi = 0;
    for (int k = 0; k < 3; ++k)
        chi += std::pow((label == k).sum().item<double>() - expected[k], 2) / expected[k];
    CHECK(chi < 13.8);  // chi square, 2 degrees of freedom, p = .001
    // p(x | label) is one component; rows that are not given get the mixture
    Condition c = b.c;
    const Tensor alone = s->log_prob(b.x, c), all = s->log_prob(b.x);
    CHECK(
        (all - alone).mean().item<double>() ==
        doctest::Approx((0.125 * std::log(0.125) + 0.25 * std::log(0.25) + 0.625 * std::log(0.625)))
            .epsilon(0.02));
    CHECK(torch::equal(s->log_prob(b.x, c.none()), all));
}

TEST_CASE("moons: the quadrature agrees with a brute-force sum, near and far") {
    for (const char* noise : {"0.02", "0.1", "0.5"}) {
        const auto s = make_simulator("moons", {{"noise", noise}});
        const double sd = std::stod(noise);
        // Simpson's rule with 400,000 panels
        const Tensor k = torch::arange(400001, torch::kLong),
                     t = std::numbers::pi * k.to(torch::kDouble) / 400000.0;
        Tensor weight = torch::where(k % 2 == 1, 4.0, 2.0).to(torch::kDouble);
        weight[0] = weight[400000] = 1.0;
        const Tensor log_weight = (weight / 1200000.0).log();
        for (const auto& point : std::vector<std::pair<double, double>>{{0, 1},
                                                                        {1, 0},
                                                                        {-1, 0},
                                                                        {0.5, 0.25},
                                                                        {0, 0},
                                                                        {0, -0.4},
                                                                        {1.3, 0.2},
                                                                        {-0.9, -0.2}}) {
            const double px = point.first, py = point.second;
            const auto arc = [&](const Tensor& cx, const Tensor& cy) {
                return torch::logsumexp(
                           log_weight - ((px - cx).pow(2) + (py - cy).pow(2)) / (2 * sd * sd), 0) -
                       std::log(2 * std::numbers::pi * sd * sd);
            };
            const Tensor both =
                torch::stack({arc(t.cos(), t.sin()), arc(1 - t.cos(), 0.5 - t.sin())});
            const double expected = (torch::logsumexp(both, 0) - std::log(2.0)).item<double>();
            const double got =
                s->log_prob(torch::tensor({{px, py}}, torch::kDouble)).item<double>();
            CHECK(std::abs(got - expected) < 1e-8 * std::max(1.0, std::abs(expected)));
        }
    }
}

TEST_CASE("log densities are differentiable: the ring's score by differences") {
    const auto s = make_simulator("moons");
    const Tensor x = torch::tensor({{0.3, 0.8}, {-0.95, -0.2}}, torch::kDouble).requires_grad_();
    s->log_prob(x).sum().backward();
    const double h = 1e-5;
    for (int j = 0; j < 2; ++j) {
        const Tensor step = torch::zeros({1, 2}, torch::kDouble);
        step[0][j] = h;
        const Tensor slope =
            (s->log_prob(x.detach() + step) - s->log_prob(x.detach() - step)) / (2 * h);
        CHECK(torch::allclose(slope, x.grad().select(1, j), 1e-5, 1e-5));
    }
}

TEST_CASE("every simulator: item i depends on seed and i alone") {
    for (const auto& entry : simulators()) {
        CAPTURE(entry.name);
        const auto s = make_simulator(entry.name);
        const Batch all = s->batch(0, 9, 42);
        const std::vector<std::int64_t> some = {7, 2, 2};
        const Batch part = s->draw(some, 42);
        for (std::int64_t k = 0; k < 3; ++k)
            CHECK(torch::equal(part.x[k], all.x[some[static_cast<std::size_t>(k)]]));
        CHECK(torch::equal(part.index, torch::tensor({7, 2, 2}, torch::kLong)));
        CHECK_FALSE(torch::equal(s->batch(0, 9, 43).x, all.x));
        for (const auto& [name, value] : part.c.value)
            CHECK(torch::equal(value[0], all.c.value.at(name)[7]));
        CHECK((all.x.sizes().slice(1).vec() == s->spec().x.event));
        CHECK((all.x.scalar_type() ==
               (s->spec().x.kind == Kind::symbol ? torch::kLong : torch::kFloat)));
        if (!s->has_log_prob()) CHECK_THROWS_AS(s->log_prob(all.x), UsageError);
    }
}

TEST_CASE("options: unknown keys, bad values and unknown simulators are refused by name") {
    CHECK_THROWS_WITH_AS(make_simulator("rng"), doctest::Contains("ring"), UsageError);
    CHECK_THROWS_WITH_AS(make_simulator("ring", {{"mode", "8"}}), doctest::Contains("modes"),
                         UsageError);
    CHECK_THROWS_AS(make_simulator("ring", {{"sigma", "-1"}}), UsageError);
    CHECK_THROWS_AS(make_simulator("glyphs", {{"classes", "greek"}}), UsageError);
    CHECK_THROWS_WITH_AS(make_simulator("mixture", {{"dimension", "2"}, {"means", "1,2,3"}}),
                         doctest::Contains("multiple of dimension"), UsageError);
    CHECK_THROWS_AS(make_simulator("mixture", {{"weights", "1,2,3"}}), UsageError);
    CHECK_THROWS_AS(make_simulator("mixture", {{"sigma", "0"}}), UsageError);
}

TEST_CASE("pixels: mass and entropy of levels, and the covariance of channels") {
    // one number: the masses of 256 levels add up, and draws have their entropy
    for (const std::string law : {"normal", "uniform"}) {
        CAPTURE(law);
        const auto s = make_simulator("pixels", {{"channels", "1"},
                                                 {"size", "1"},
                                                 {"law", law},
                                                 {"deviation", "0.3"},
                                                 {"levels", "true"}});
        const Tensor all = (torch::arange(256, torch::kDouble) / 255).view({256, 1, 1, 1});
        const Tensor lp = s->log_prob(all);
        CHECK(lp.exp().sum().item<double>() == doctest::Approx(1).epsilon(1e-12));
        const Tensor drawn = s->log_prob(s->batch(0, 20000, 3).x);
        const double entropy = -(lp.exp() * lp).sum().item<double>();
        // four standard errors: one false alarm in 15,000
        CHECK(std::abs(-drawn.mean().item<double>() - entropy) <
              4 * drawn.std().item<double>() / std::sqrt(20000.0) + 1e-9);
    }
    const auto s = make_simulator(
        "pixels", {{"channels", "2"}, {"size", "4"}, {"correlation", "0.8"}, {"deviation", "0.2"}});
    const Tensor x = s->batch(0, 4000, 5).x.to(torch::kDouble);
    const Tensor c = torch::cov(x.transpose(0, 1).flatten(1));
    CHECK(c[0][1].item<double>() == doctest::Approx(0.032).epsilon(0.03));
    CHECK(c[0][0].item<double>() == doctest::Approx(0.04).epsilon(0.03));
    // 16 pixels of two numbers: the entropy of N(0, S) each
    const double entropy =
        16 * (std::log(2 * std::numbers::pi * std::numbers::e) + 0.5 * std::log(0.0016 - 0.001024));
    const Tensor lp = s->log_prob(x);
    CHECK(std::abs(-lp.mean().item<double>() - entropy) <
          4 * lp.std().item<double>() / std::sqrt(4000.0));
    CHECK_THROWS_AS(make_simulator("pixels", {{"correlation", "0.5"}, {"levels", "true"}}),
                    UsageError);
    CHECK_THROWS_AS(make_simulator("pixels", {{"correlation", "0.5"}, {"law", "uniform"}}),
                    UsageError);
}
